import pytest

from vidmesh_query.plaintext import plain


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("See [the paper](https://evil.example/x) now", "See the paper now"),
        ("![pixel](http://evil.example/p.gif) text", "pixel text"),
        ("go to https://evil.example/a?b=c please", "go to please"),
        ("or www.evil.example or javascript:alert(1) end", "or or end"),
        ("<a href='x'>click</a> <script>alert(1)</script>", "click alert(1)"),
        ("<scr<b>ipt>x</scr</b>ipt>", "ipt>xipt>"),
        ("**bold** and `code`", "bold and code"),
        ("a < b and 3 > 2", "a < b and 3 > 2"),
        ("one\x00two\n\nthree", "onetwo\n\nthree"),
        ("[1]: https://evil.example", ""),
        ("unclosed <img src=x onerror=alert(1)", "unclosed"),
    ],
)
def test_nothing_but_words_gets_through(written: str, shown: str) -> None:
    assert plain(written) == shown


@pytest.mark.parametrize("text", ["The lions carried seven boxes [1].", "data: 7 boxes", "He said: no."])
def test_plain_words_stay(text: str) -> None:
    assert plain(text) == text
