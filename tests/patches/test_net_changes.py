"""Steps of changes folded into one: the same tree comes out, forwards and in reverse, with one change a file."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from m2build.patches.change import FileChange, changed_tree, net_changes
from m2build.patches.checks import check_changes
from m2build.patches.tree import FileState, SourceFile, SourceTree

PATHS = ["a", "b", "c", "d"]
FILES = st.sampled_from([SourceFile.of(content, mode) for content in (b"1\n", b"2\n") for mode in (0o644, 0o755)])


def states(tree: SourceTree) -> dict[str, FileState]:
    return {path: file.state for path, file in tree.items()}


@st.composite
def walks(draw: st.DrawFn) -> tuple[SourceTree, list[tuple[FileChange, ...]]]:
    """A tree and steps from it, each of which some codemod could make: files move, swap, come, go and change."""
    start = SourceTree(draw(st.dictionaries(st.sampled_from(PATHS), FILES)), origin="test")
    tree, steps = start, []
    for _ in range(draw(st.integers(0, 5))):
        places = dict(zip(PATHS, draw(st.permutations(PATHS)), strict=True))
        left = {path: places[path] for path in tree if draw(st.booleans())}
        step = [FileChange.deleted(path, file) for path, file in tree.items() if path not in left]
        step += [FileChange(old, tree[old], new, draw(FILES)) for old, new in left.items()]
        free = sorted(set(PATHS) - set(left.values()) - {change.path for change in step})
        step += [FileChange.created(path, draw(FILES)) for path in free if draw(st.booleans())]
        steps.append(tuple(step))
        tree = changed_tree(tree, step)
    return start, steps


@settings(max_examples=100, deadline=None)
@given(walks())
def test_one_change_per_file_gives_the_same_tree_and_back(
    walk: tuple[SourceTree, list[tuple[FileChange, ...]]],
) -> None:
    start, steps = walk
    end = start
    for step in steps:
        end = changed_tree(end, step)
    net = net_changes(steps)
    check_changes(net, start, "net")
    assert states(changed_tree(start, net)) == states(end)
    assert len({change.path for change in net}) == len(net)
    back = [change.reversed() for change in net]
    check_changes(back, end, "back")
    assert states(changed_tree(end, back)) == states(start)


def test_what_is_made_and_unmade_is_no_change() -> None:
    file = SourceFile.of(b"")
    assert net_changes([[FileChange.created("a", file)], [FileChange.deleted("a", file)]]) == ()
    assert net_changes([[FileChange.deleted("a", file)], [FileChange.created("a", file)]]) == ()


def test_a_rename_onto_a_deleted_file_is_an_edit_and_a_deletion() -> None:
    one, two = SourceFile.of(b"1"), SourceFile.of(b"2")
    net = net_changes([[FileChange.deleted("a", one)], [FileChange("b", two, "a", two)]])
    assert net == (FileChange("a", one, "a", two), FileChange.deleted("b", two))
