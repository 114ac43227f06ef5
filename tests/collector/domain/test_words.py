"""Words compared and sorted as people do."""

from hypothesis import given
from hypothesis import strategies as st

from collector.domain.words import in_order


def test_names_are_in_the_order_that_people_count_in() -> None:
    """Two is before ten, small letters stand beside capitals, and Đ beside D."""
    ordered = ["3 Tháng 2", "An", "Đông 1", "Đông 2", "Dương 1", "Tổ", "Tổ 02", "Tổ 2", "tổ 9"]
    ordered += ["Tổ 10", f"Tổ {'9' * 5_000}"]
    assert sorted(sorted(ordered), key=in_order) == ordered


@given(st.lists(st.text(max_size=8), unique=True))
def test_whatever_a_site_is_called_there_is_one_order(names: list[str]) -> None:
    """No name stands for another, and any two are compared; digits of other scripts, too."""
    backwards = names[::-1]
    assert sorted(backwards, key=in_order) == sorted(names, key=in_order)
    assert len({str(in_order(one)) for one in names}) == len(names)
