import asyncio
import threading

from senoscope.clinic.changes import Changes


def test_what_changes_twice_is_told_once_and_in_order() -> None:
    async def listen() -> list[list[str]]:
        changes = Changes()
        subscription = changes.subscribe()

        def publish() -> None:
            for name in ("a", "b", "a"):
                changes.publish(name)

        thread = threading.Thread(target=publish)
        thread.start()
        thread.join()
        await asyncio.sleep(0)
        batches = subscription.batches(5.0)
        first = await anext(batches)
        changes.close()
        return [first] + [ids async for ids in batches]

    assert asyncio.run(listen()) == [["a", "b"]]


def test_silence_is_told_too() -> None:
    async def listen() -> list[str]:
        return await anext(Changes().subscribe().batches(0.01))

    assert asyncio.run(listen()) == []


def test_nobody_is_told_after_leaving_or_once_it_is_closed() -> None:
    async def listen() -> list[list[str]]:
        changes = Changes()
        left = changes.subscribe()
        changes.unsubscribe(left)
        changes.publish("a")
        changes.close()
        late = changes.subscribe()
        return [ids async for ids in late.batches(5.0)]

    assert asyncio.run(listen()) == []
