"""Tallies read as the client's own counters and histograms do."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from hookgate_gateway.tallies import CounterTally, GaugeTally, HistogramTally

VALUES = (0.0, 0.001, 0.1, 0.1000001, 0.5, 7.0)


def lines(registry):
    text = generate_latest(registry).decode()
    return [line for line in text.splitlines() if "_created" not in line]


def test_a_counter_reads_as_the_clients_own():
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    counter = Counter("sent_total", "Sent.", ["who", "how"], registry=theirs)
    tally = CounterTally("sent", "Sent.", ["who", "how"], ours)
    assert [line for line in lines(ours) if not line.startswith("#")] == []
    for who, how, count in (("a", "well", 1), ("b", 'bad\n"x"\\', 2), ("a", "well", 3)):
        counter.labels(who, how).inc(count)
        tally.add((who, how), count)
    assert lines(ours) == lines(theirs)


def test_a_forgotten_series_is_gone_and_begins_anew():
    registry = CollectorRegistry()
    tally = CounterTally("sent", "Sent.", ["who"], registry)
    tally.add(("a",), 5)
    tally.add(("b",))
    tally.forget(("a",))
    tally.forget(("nobody",))
    assert registry.get_sample_value("sent_total", {"who": "a"}) is None
    tally.add(("a",))
    assert registry.get_sample_value("sent_total", {"who": "a"}) == 1
    assert registry.get_sample_value("sent_total", {"who": "b"}) == 1


def test_a_series_can_begin_before_there_is_anything_to_count():
    registry = CollectorRegistry()
    tally = CounterTally("sent", "Sent.", ["who"], registry)
    tally.begin(("a",))
    assert registry.get_sample_value("sent_total", {"who": "a"}) == 0
    tally.add(("a",))
    tally.begin(("a",))
    assert registry.get_sample_value("sent_total", {"who": "a"}) == 1


def test_a_gauge_reads_as_the_clients_own():
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    gauge = Gauge("waiting", "Waiting.", ["who"], registry=theirs)
    tally = GaugeTally("waiting", "Waiting.", ["who"], ours)
    for who, value in (("a", 1), ('b"\\', 0.5)):
        gauge.labels(who).set(value)
        tally.set((who,), value)
    assert lines(ours) == lines(theirs)


def test_a_gauge_has_the_series_that_it_was_given():
    registry = CollectorRegistry()
    tally = GaugeTally("free", "Free.", [], registry)
    assert registry.get_sample_value("free") is None
    tally.begin(())
    assert registry.get_sample_value("free") == 0
    tally.set((), 3)
    tally.begin(())
    assert registry.get_sample_value("free") == 3
    tally.set_all({})
    assert registry.get_sample_value("free") is None
    tally.set((), 4)
    tally.forget(())
    tally.forget(())
    assert registry.get_sample_value("free") is None


def test_a_histogram_reads_as_the_clients_own_at_the_edges_of_buckets_too():
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    histogram = Histogram("took", "Took.", ["who"], buckets=(0.001, 0.1, 1), registry=theirs)
    tally = HistogramTally("took", "Took.", ["who"], ours, bounds=(0.001, 0.1, 1))
    for value in VALUES:
        histogram.labels("a").observe(value)
        tally.observe(("a",), value)
    histogram.labels("b").observe(2)
    tally.observe(("b",), 2)
    assert lines(ours) == lines(theirs)
