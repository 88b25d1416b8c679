"""Prints whole topics as librdkafka (confluent-kafka) reads them, one JSON line a record, up to their ends as of now.

Arguments: bootstrap servers, isolation level (read_committed or read_uncommitted), seconds it may take, topics.

    {"topic", "partition", "offset", "timestampMs", "key", "value", "headers": [[name, value]]}   bytes are base64 or null

Ends with the line {"done": <number of records>}. An error is an exit code and a line on stderr.
"""

import base64
import json
import sys
import time
from typing import Optional

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition


def text(value: Optional[bytes]) -> Optional[str]:
    return None if value is None else base64.b64encode(value).decode("ascii")


def main(bootstrap: str, isolation: str, seconds: str, topics: list[str]) -> int:
    deadline = time.monotonic() + float(seconds)
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "isolation.level": isolation,
            # Nothing is committed, and no group is joined: partitions are assigned by hand.
            "group.id": "log-reader",
            "enable.auto.commit": False,
            # Told at the last stable offset with read_committed, at the high watermark else.
            "enable.partition.eof": True,
        }
    )
    known = consumer.list_topics(timeout=20).topics
    missing = [topic for topic in topics if topic not in known or known[topic].error is not None]
    if missing:
        raise SystemExit(f"no such topic: {missing}")
    waiting = {(topic, partition) for topic in topics for partition in known[topic].partitions}
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for topic, partition in sorted(waiting)])
    records = 0
    while waiting:
        if time.monotonic() > deadline:
            raise SystemExit(f"not at the end of {sorted(waiting)} after {seconds} s")
        message = consumer.poll(0.2)
        if message is None:
            continue
        error = message.error()
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            waiting.discard((message.topic(), message.partition()))
            continue
        records += 1
        line = {
            "topic": message.topic(),
            "partition": message.partition(),
            "offset": message.offset(),
            "timestampMs": message.timestamp()[1],
            "key": text(message.key()),
            "value": text(message.value()),
            "headers": [[name, text(value)] for name, value in message.headers() or []],
        }
        print(json.dumps(line, separators=(",", ":")))
    print(json.dumps({"done": records}))
    consumer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
