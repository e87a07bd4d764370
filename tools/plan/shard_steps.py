"""The steps in which AWS lets the number of a stream's shards change."""

# https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html
MAX_SHARD_FACTOR = 2
MAX_SHARD_CHANGES_A_DAY = 10


def shard_steps(present: int, wanted: int) -> tuple[int, ...]:
    """The numbers of shards to apply one after the other, the last being ``wanted``.

    AWS refuses to more than double the shards of a stream, and to go below half of them.

    Args:
        present: Shards of the stream, from 1.
        wanted: Shards that it is to have, from 1.

    Example:
        >>> shard_steps(2, 9)
        (4, 8, 9)
    """
    steps: list[int] = []
    while present != wanted:
        fewest = -(-present // MAX_SHARD_FACTOR)
        present = min(max(wanted, fewest), present * MAX_SHARD_FACTOR)
        steps.append(present)
    return tuple(steps)


def shard_advice(stream: str, steps: tuple[int, ...]) -> str:
    """How to reach a number of shards that AWS refuses in one step.

    Args:
        stream: How the text names the stream.
        steps: The result of `shard_steps`.
    """
    advice = (
        f"{stream}: AWS refuses to more than double the shards of a stream, and to go below half "
        f"of them. Apply `shard_count` = {', '.join(map(str, steps))} one after the other."
    )
    if len(steps) > MAX_SHARD_CHANGES_A_DAY:
        advice += f" AWS allows {MAX_SHARD_CHANGES_A_DAY} such changes in 24 hours."
    return advice
