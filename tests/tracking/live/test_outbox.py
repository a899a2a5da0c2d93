from __future__ import annotations

import threading

from pipeline.tracking.live.outbox import Outbox


def test_items_stay_until_they_have_been_sent_and_keep_their_order() -> None:
    outbox: Outbox[int] = Outbox(10)
    for item in (1, 2, 3):
        outbox.put(item)
    assert outbox.first(2) == [1, 2]
    assert outbox.first(2) == [1, 2]
    outbox.sent([1, 2])
    assert outbox.first(2) == [3]


def test_a_full_outbox_takes_nothing_and_never_waits() -> None:
    outbox: Outbox[int] = Outbox(1)
    assert [outbox.put(1), outbox.put(2)] == [True, False]
    outbox.sent([1])
    assert outbox.put(3)


def test_a_receiver_waits_for_an_item_or_for_the_end() -> None:
    outbox: Outbox[int] = Outbox(10)
    threading.Timer(0.05, outbox.put, [7]).start()
    assert outbox.first(5) == [7]
    outbox.sent([7])
    threading.Timer(0.05, outbox.close).start()
    assert outbox.first(5) == []


def test_waiting_ends_early_only_with_the_end() -> None:
    outbox: Outbox[int] = Outbox(10)
    outbox.put(1)
    assert not outbox.closes_within(0.01)
    outbox.close()
    assert outbox.closes_within(60)
