"""What wakes whom."""

from hookgate_operator.work.wakeups import Wakeups
from tests.controlplane.worlds import Recorder, key


def woken(queue):
    return {which.name for (which,) in queue.of("add")}


def test_an_object_wakes_itself():
    queue = Recorder()
    Wakeups(queue).wake(key("a"))
    assert woken(queue) == {"a"}


def test_a_secret_wakes_those_that_name_it_in_its_namespace():
    queue = Recorder()
    wakeups = Wakeups(queue)
    wakeups.names(key("a"), frozenset({"one", "two"}))
    wakeups.names(key("b"), frozenset({"two", "configmap/ca"}))
    wakeups.names(key("c", namespace="other"), frozenset({"two"}))
    wakeups.values_changed("shop", "two")
    assert woken(queue) == {"a", "b"}
    assert {ns: set(names) for ns, names in wakeups.needed().items()} == {
        "shop": {"one", "two", "configmap/ca"},
        "other": {"two"},
    }


def test_a_secret_that_is_not_named_any_more_wakes_nobody():
    queue = Recorder()
    wakeups = Wakeups(queue)
    wakeups.names(key("a"), frozenset({"one", "two"}))
    wakeups.names(key("b"), frozenset({"one"}))
    wakeups.names(key("b"), frozenset())
    wakeups.names(key("a"), frozenset({"two"}))
    wakeups.names(key("a"), frozenset({"two"}))
    wakeups.values_changed("shop", "one")
    assert woken(queue) == set()
    wakeups.names(key("a"), frozenset())
    wakeups.names(key("a"), frozenset())
    assert wakeups.needed() == {}
