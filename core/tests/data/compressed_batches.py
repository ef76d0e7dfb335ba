"""Writes compressed_batches.json: record batches by kafka-python 3.0.12, the codecs by the C libraries.

    pip install kafka-python==3.0.12 python-snappy==0.7.3 lz4==4.4.5 zstandard==0.25.0 crc32c
    python compressed_batches.py > compressed_batches.json

Every batch holds the same records, so many that each codec needs more than one block or chunk; `record` says which.
"""

import json
import lz4.frame
import snappy
import zstandard
from kafka import codec
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

COUNT = 300
NUMBERS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


def record(i):
    return 1700000000000 + i * 7 % 50, f"key-{i % 10}".encode(), f"record {i}, ".encode() * (i % 80)


def zstd(level=3, **options):
    return lambda payload: zstandard.ZstdCompressor(level=level, **options).compress(payload)


def two_frames(payload):
    half = len(payload) // 2
    skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
    return zstd()(payload[:half]) + skippable + zstd()(payload[half:])


def streamed(payload):
    """As a stream: the header does not say how long the content is."""
    stream = zstandard.ZstdCompressor(level=3).compressobj()
    return stream.compress(payload) + stream.flush()


VECTORS = [
    ("gzip, level 9", "gzip", codec.gzip_encode),
    ("gzip, level 1", "gzip", lambda p: codec.gzip_encode(p, 1)),
    ("snappy, xerial's chunks", "snappy", codec.snappy_encode),
    ("snappy, xerial's chunks of 1000", "snappy", lambda p: codec.snappy_encode(p, xerial_blocksize=1000)),
    ("snappy, raw", "snappy", snappy.compress),
    ("lz4, as kafka-python", "lz4", codec.lz4_encode),
    ("lz4, every checksum", "lz4", lambda p: lz4.frame.compress(
        p, block_linked=False, content_checksum=True, block_checksum=True, store_size=True)),
    ("lz4, larger blocks", "lz4", lambda p: lz4.frame.compress(
        p, block_linked=False, block_size=lz4.frame.BLOCKSIZE_MAX1MB, store_size=False, compression_level=9)),
    ("zstd, level 3", "zstd", zstd()),
    ("zstd, level 19", "zstd", zstd(19)),
    ("zstd, level -5", "zstd", zstd(-5)),
    ("zstd, checksum", "zstd", zstd(write_checksum=True)),
    ("zstd, no content size", "zstd", streamed),
    ("zstd, two frames and one to skip", "zstd", two_frames),
]


class Builder(DefaultRecordBatchBuilder):
    """kafka-python's builder with another function in the place of its codec."""

    def _maybe_compress(self):
        size = self.HEADER_STRUCT.size
        self._buffer[size:] = self.compress(bytes(self._buffer[size:]))
        return True


def batch(name, compress):
    builder = Builder(2, NUMBERS[name], False, 7, 1, 100, 1 << 30)
    builder.compress = compress
    for i in range(COUNT):
        timestamp, key, value = record(i)
        builder.append(i, timestamp, key, value, [])
    built = bytes(builder.build())
    parsed = DefaultRecordBatch(built)
    assert parsed.validate_crc() and parsed.compression_type == NUMBERS[name]
    assert [(r.timestamp, r.key, r.value) for r in parsed] == [record(i) for i in range(COUNT)], name
    return built


print(json.dumps(
    [{"name": name, "codec": c, "batch": batch(c, compress).hex()} for name, c, compress in VECTORS], indent=1))
