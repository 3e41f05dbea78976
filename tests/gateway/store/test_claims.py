"""Claims and position: what may be taken while answers cross each other."""

from hypothesis import given
from hypothesis import strategies as st

from hookgate_gateway.rules.delivery import Delivery, DeliveryId, Kind, Target
from hookgate_gateway.store.claims import Claims, Expectation, Position, Walks


def delivery(id_: str) -> Delivery:
    return Delivery(
        id=DeliveryId(id_),
        namespace="shop",
        event_id="evt_1",
        run_id="tsk_1",
        target=Target(subscription="s"),
        lane="s/shop/s",
        kind=Kind.EVENT,
        attempts=0,
        due=1.0,
        accepted_at=1.0,
        body=b"",
        body_size=0,
    )


def test_what_is_dropped_during_a_take_lingers_until_its_answer():
    claims = Claims()
    claims.take([delivery("a")])
    with claims.open_take():
        claims.drop(["a"])
        assert "a" in claims
    assert "a" not in claims


def test_it_lingers_until_the_last_of_overlapping_takes():
    claims = Claims()
    first, second = claims.open_take(), claims.open_take()
    first.__enter__()
    second.__enter__()
    claims.drop(["a"])
    first.__exit__(None, None, None)
    assert "a" in claims
    second.__exit__(None, None, None)
    assert "a" not in claims


def test_what_an_accept_creates_is_out_of_reach_until_its_time_to_claim_is_over():
    claims = Claims()
    accept = Expectation([DeliveryId("a"), DeliveryId("b"), DeliveryId("c")], due=1.0)
    claims.expect(accept)
    claims.take([delivery("a")])
    accept.created = frozenset({DeliveryId("a"), DeliveryId("b")})
    assert "b" in claims
    assert claims.unclaimed(accept)
    assert "a" in claims
    assert "b" not in claims
    assert not claims.unclaimed(accept)


def test_what_was_never_created_is_no_news():
    claims = Claims()
    accept = Expectation([DeliveryId("a")], due=1.0, created=frozenset())
    claims.expect(accept)
    assert not claims.unclaimed(accept)


def test_a_later_accept_of_the_same_id_keeps_its_own_time():
    claims = Claims()
    stale, again = (Expectation([DeliveryId("a")], due=1.0) for _ in range(2))
    claims.expect(stale)
    claims.expect(again)
    assert not claims.unclaimed(stale)
    assert "a" in claims
    assert claims.unclaimed(again)


def test_parked_ones_in_hand_are_known_by_lane():
    claims = Claims()
    claims.take([delivery("a"), delivery("b")], parked=True)
    claims.drop(["a"])
    assert claims.parked_in("s/shop/s") == ("b",)
    claims.drop(["b"])
    assert claims.parked_in("s/shop/s") == ()
    assert len(claims) == 0


class TestPosition:
    def test_it_moves_forward_with_takes_and_back_with_arrivals(self):
        position = Position()
        position.begin()
        position.reached(5.0, "x")
        assert position.begin() == (5.0, "x")
        position.back(9.0)
        assert position.begin() == (5.0, "x")
        position.back(5.0)
        assert position.begin() == (5.0, "")

    def test_a_move_back_during_a_take_outlives_its_answer(self):
        position = Position()
        position.begin()
        position.back(3.0)
        position.reached(5.0, "x")
        assert position.begin() == (3.0, "")

    @given(st.lists(st.tuples(st.sampled_from(["arrive", "read", "answer"]), st.integers(0, 9))))
    def test_nothing_that_arrives_is_ever_behind_it_unread(self, steps):
        """A model: rows by due time; a take reads a snapshot and is answered later."""
        position, rows, taken = Position(), set(), set()
        snapshot = None
        for step, due in steps:
            if step == "arrive":
                rows.add(due)
                taken.discard(due)
                position.back(float(due))
            elif step == "read" and snapshot is None:
                start = position.begin()
                snapshot = sorted(r for r in rows - taken if (float(r), "x") > start)
            elif step == "answer" and snapshot is not None:
                for row in snapshot:
                    taken.add(row)
                if snapshot:
                    position.reached(float(snapshot[-1]), "x")
                snapshot = None
            if snapshot is None:
                left = rows - taken
                assert all((float(row), "x") > position.at for row in left)


class TestWalks:
    LANE = "s/shop/s"

    def test_a_take_goes_on_behind_the_one_before(self):
        walks = Walks(30.0)
        assert walks.begin(self.LANE, 0.0) is None
        walks.reached(self.LANE, delivery("a"), 0.0)
        assert walks.begin(self.LANE, 1.0) == (1.0, "a")
        assert walks.begin("s/shop/other", 1.0) is None

    def test_at_the_end_of_the_lane_the_next_one_begins_anew(self):
        walks = Walks(30.0)
        walks.begin(self.LANE, 0.0)
        walks.reached(self.LANE, delivery("a"), 0.0)
        walks.begin(self.LANE, 1.0)
        walks.reached(self.LANE, None, 1.0)
        assert walks.begin(self.LANE, 2.0) is None

    def test_what_is_given_back_during_a_take_holds_against_its_answer(self):
        walks = Walks(30.0)
        walks.begin(self.LANE, 0.0)
        walks.back("s/shop/other")
        walks.reached(self.LANE, delivery("a"), 0.0)
        walks.begin(self.LANE, 1.0)
        walks.back(self.LANE)
        walks.reached(self.LANE, delivery("b"), 1.0)
        assert walks.begin(self.LANE, 2.0) is None

    def test_no_walk_goes_on_for_ever(self):
        walks = Walks(30.0)
        for now in (0.0, 10.0, 20.0):
            walks.begin(self.LANE, now)
            walks.reached(self.LANE, delivery("a"), now)
        assert walks.begin(self.LANE, 29.9) == (1.0, "a")
        assert walks.begin(self.LANE, 30.0) is None
