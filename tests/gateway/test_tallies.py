"""Tallies read as the client's own counters and histograms do."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from hookgate_gateway.tallies import CounterTally, HistogramTally

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
