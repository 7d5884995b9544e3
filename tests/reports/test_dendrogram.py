import re
from xml.etree import ElementTree

import pytest

from reports import dendrogram
from verify.probes.tree import Tree

BALANCED = Tree(4, ((0, 1), (2, 3), (4, 5)))
LANES = Tree(4, ((0, 2), (1, 3), (4, 5)))
SEQUENTIAL = Tree(4, ((0, 1), (2, 4), (3, 5)))
FUSED = Tree(5, ((0, 1, 2), (3, 4, 5)))


def test_a_balanced_tree_is_drawn():
    assert dendrogram.lines(BALANCED) == (
        "0  ─┐",
        "1  ─┴─┐",
        "2  ─┐ │",
        "3  ─┴─┴─Σ",
    )


def test_a_sequence_is_a_stair():
    assert dendrogram.lines(SEQUENTIAL) == (
        "0  ─┐",
        "1  ─┴─┐",
        "2  ───┴─┐",
        "3  ─────┴─Σ",
    )


def test_terms_of_a_lane_stand_together():
    assert dendrogram.ordered(LANES) == (0, 2, 1, 3)
    assert [line[0] for line in dendrogram.lines(LANES)] == ["0", "2", "1", "3"]


def test_a_fused_node_takes_all_of_its_members_at_once():
    assert dendrogram.lines(FUSED) == (
        "0  ─┐",
        "1  ─┤",
        "2  ─┴─┐",
        "3  ───┤",
        "4  ───┴─Σ",
    )
    assert dendrogram.heights(FUSED) == (0, 0, 0, 0, 0, 1, 2)


def test_one_term_is_the_sum():
    assert dendrogram.lines(Tree(1, ())) == ("0  ─Σ",)


@pytest.mark.parametrize("tree", [BALANCED, LANES, SEQUENTIAL, FUSED, Tree(1, ())])
def test_the_picture_has_a_line_for_every_branch_and_a_number_for_every_term(tree):
    root = ElementTree.fromstring(dendrogram.svg(tree, "a <b> & c"))
    assert root.find("title").text == "a <b> & c"
    assert sorted(int(text.text) for text in root.iter("text")) == list(range(tree.terms))
    path = root.find("path").get("d")
    assert len(re.findall("H", path)) == len(tree.nodes)
    assert len(re.findall("V", path)) == sum(map(len, tree.nodes)) + 1
    numbers = [float(x) for x in re.findall(r"[\d.]+", path)]
    assert max(numbers) <= max(float(x) for x in root.get("viewBox").split())
    assert min(numbers) >= 0


def test_a_sequence_of_a_thousand_terms_is_no_deep_recursion():
    tree = Tree(1000, ((0, 1), *((k, 1000 + k - 2) for k in range(2, 1000))))
    assert dendrogram.svg(tree, "long").count("<text") == 1000
    assert len(dendrogram.lines(tree)) == 1000
