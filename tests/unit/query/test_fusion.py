from vidmesh_query.fusion import K, fuse


def test_what_both_rankings_have_comes_first() -> None:
    assert [item for item, _ in fuse(["a", "b", "c"], ["c", "d"])] == ["c", "a", "b", "d"]


def test_the_score_is_the_papers() -> None:
    assert dict(fuse(["a", "b"], ["b"])) == {"a": 1 / (K + 1), "b": 1 / (K + 2) + 1 / (K + 1)}


def test_one_ranking_keeps_its_order_and_repeats_count_once() -> None:
    assert [item for item, _ in fuse(["a", "b", "a", "c"])] == ["a", "b", "c"]
    assert fuse([], []) == []
