"""What a month of a line's tests says, and how sure that is. Pure; always the same is drawn.

The tests of a day resemble each other, so days are what is drawn, and what is counted where a
number of independent observations is needed. docs/method.md has the choices and their coverage.
"""
