"""How the benches show whether a figure is within the project's own bars."""

from rich.text import Text


def marked(text: str, *, good: bool) -> Text:
    """Return the text with a mark and a colour."""
    return Text(f"{'✓' if good else '✗'} {text}", style="green" if good else "red")
