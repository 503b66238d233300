"""Reading logs and metrics as they come: formats, oddities, bounds, and nothing kept that is nobody's business."""

import bz2
import gzip
import json
import pickle
import tracemalloc

import numpy as np
import pytest

from helpers.report import Source, Unreadable, read, recognise, sources
from helpers.report.samples import FOLDER, SAMPLES

START = 1_795_600_800  # 2026-11-25T10:00:00Z
FRONT = "192.0.2.{n} - alice [25/Nov/2026:11:00:{n:02d} +0100] "
REQUEST = '"GET /cart?token=s3cr3t{n} HTTP/1.1" '
COMMON = FRONT + REQUEST + "200 1024"
COMBINED = COMMON + ' "https://shop.example/?q=private" "Mozilla/5.0 (X11) 1.2"'
ALB = (
    "https 2026-11-25T10:00:{n:02d}.123456Z app/lb/50dc 192.0.2.{n}:2817 10.0.0.1:80 0.001 0.250 0.000 200 200 34 1024 "
    '"GET https://shop.example:443/cart?token=s3cr3t{n} HTTP/1.1" "curl/7" ECDHE TLSv1.2 arn:aws:x "Root=1-5" '
    '"shop.example" "arn:y" 1 2026-11-25T10:00:00.0Z "authenticate,forward" "-" "-" "10.0.0.1:80" "200" "-" "-"'
)
ELB = (
    "2026-11-25T10:00:{n:02d}.945958Z lb 192.0.2.{n}:2817 10.0.0.1:80 0.000073 0.250000 0.000057 200 200 0 1024 "
    '"GET http://shop.example:80/?token=s3cr3t{n} HTTP/1.1" "curl/7.38.0" - -'
)
GATEWAY = (
    '{{"requestId":"a{n}","ip":"192.0.2.{n}","requestTime":"25/Nov/2026:10:00:{n:02d} +0000","status":"200",'
    '"path":"/cart?token=s3cr3t{n}","responseLength":"1024","responseLatency":"250"}}'
)
GATEWAY_EPOCH = (
    '2026-11-25T10:00:{n:02d}.000Z {{"requestTimeEpoch":17956008{n:02d}123,"status":200,"integrationLatency":250}}'
)
FORMATS = {
    "common": (COMMON, None),
    "combined": (COMBINED, None),
    "with a virtual host in front": ("shop.example:443 " + COMBINED, None),
    "nginx with request_time": (COMBINED + " 0.250", 250),
    "nginx with request_time and upstream time": (COMBINED + " 0.250 0.240", 250),
    "nginx with quoted extras": (COMBINED + ' "192.0.2.9" 0.250 .', 250),
    "nginx with named times": (COMBINED + ' rt=0.300 uct="0.001" urt="0.250"', 250),
    "ingress-nginx": (COMBINED + " 386 0.250 [shop-80] [] 10.0.0.1:80 1024 0.240 200 ab12", 250),
    "Apache with microseconds": (COMBINED + " 250000", 250),
    "Tomcat with milliseconds": (COMMON + " 2{n:02d}", 210.5),
    "Traefik": (COMBINED + ' 7 "shop@docker" "http://10.0.0.1:80" 250ms', 250),
    "ending in a port": (COMBINED + " 443", None),
    "ALB": (ALB, 250),
    "Classic Load Balancer": (ELB, 250),
    "API Gateway, JSON": (GATEWAY, 250),
    "API Gateway, JSON in CloudWatch Logs": (GATEWAY_EPOCH, 250),
}


def lines(template, count=20, end="\n"):
    return end.join(template.format(n=n) for n in range(1, count + 1)) + end


def source(text, name="access.log"):
    return Source(name, data=text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_recognised_and_read_to_the_second(name):
    template, duration_ms = FORMATS[name]
    reading = read(source(lines(template)))
    traffic = reading.traffic
    assert (reading.requests, reading.malformed) == (20, 0)
    assert (traffic.start_s, traffic.step_s, traffic.counts.tolist()) == (START + 1, 1, [1] * 20)
    assert (traffic.durations.mean_ms if traffic.durations else None) == pytest.approx(duration_ms)


CLOUDFRONT = (
    "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs-uri-stem sc-status cs(User-Agent) "
    "time-taken x-host-header\n"
)
IIS = (
    "#Software: IIS\n#Fields: date time s-ip cs-method cs-uri-query c-ip cs(User-Agent) sc-status sc-bytes time-taken\n"
)


def test_logs_that_describe_their_columns_are_read_by_that():
    edge = "2026-11-25\t10:00:{n:02d}\tFRA2\t1024\t192.0.2.1\tGET\t/a b\t200\tMozilla%20\t0.250\tshop.example"
    iis = "2026-11-25 10:00:{n:02d} 10.0.0.1 GET q=s3cr3t 192.0.2.1 Mozilla/5.0+(X) 200 1024 250"
    for text in (CLOUDFRONT + lines(edge), IIS + lines(iis)):
        reading = read(source(text))
        assert (reading.requests, reading.malformed, reading.traffic.start_s) == (20, 0, START + 1)
        assert reading.traffic.durations.mean_ms == pytest.approx(250)
        assert reading.traffic.response_kb == pytest.approx(1)


def test_another_unit_of_durations_may_be_asked_for():
    text = lines(COMMON + " 2{n:02d}")
    assert read(source(text), duration_unit="us").traffic.durations.mean_ms == pytest.approx(0.2105)
    assert read(source(text), duration_unit="none").traffic.durations is None


def test_the_logs_own_time_zone_is_used_and_another_may_be_asked_for():
    assert read(source(lines(COMMON))).traffic.offset_s == 3600
    assert read(source(lines(COMMON)), offset_s=0).traffic.offset_s == 0


def test_columns_and_zone_are_said_before_anything_is_read():
    found = recognise(source(lines(ALB)))
    assert found.name == "AWS Application Load Balancer access log"
    assert found.zone == "UTC, as AWS writes it"
    assert ("size", "sent_bytes") in found.columns


ODD = {
    "IPv6": '2001:db8::17 - - [25/Nov/2026:11:00:30 +0100] "GET / HTTP/1.1" 200 5 "-" "-"',
    "no size": '192.0.2.1 - - [25/Nov/2026:11:00:30 +0100] "GET / HTTP/1.1" 304 - "-" "-"',
    "no request": '192.0.2.1 - - [25/Nov/2026:11:00:30 +0100] "-" 408 - "-" "-"',
    "binary": '192.0.2.1 - - [25/Nov/2026:11:00:30 +0100] "\\x16\\x03\\x01" 400 157 "-" "-"',
    "escaped quotes": '192.0.2.1 - - [25/Nov/2026:11:00:30 +0100] "GET /\\"a HTTP/1.1" 200 5 "-" "a \\"b\\" c"',
    "quotes that nobody escaped": '192.0.2.1 - - [25/Nov/2026:11:00:30 +0100] "GET /a"b" HTTP/1.0" 200 5 "-" "-"',
    "a user with spaces": '192.0.2.1 - a b c [25/Nov/2026:11:00:30 +0100] "GET / HTTP/1.1" 200 5 "-" "-"',
    "no referer and agent": '192.0.2.1 - - [25/Nov/2026:11:00:30 +0100] "GET / HTTP/1.1" 200 5',
    "an IPv6 address in brackets": '[2001:db8::1]:443 - - [25/Nov/2026:11:00:30 +0100] "GET / HTTP/1.1" 200 5 "-" "-"',
    "an ISO moment": '192.0.2.1 - - [2026-11-25T10:00:30+00:00] "GET / HTTP/1.1" 200 5 "-" "-"',
    "milliseconds in the moment": '192.0.2.1 - - [25/Nov/2026:11:00:30.123 +0100] "GET / HTTP/1.1" 200 5 "-" "-"',
    "no offset": '192.0.2.1 - - [25/Nov/2026:10:00:30] "GET / HTTP/1.1" 200 5 "-" "-"',
    "another offset": '192.0.2.1 - - [25/Nov/2026:15:30:30 +0530] "GET / HTTP/1.1" 200 5 "-" "-"',
    "bytes that are no UTF-8": b'192.0.2.1 - - [25/Nov/2026:11:00:30 +0100] "GET /\xff\xfe HTTP/1.1" 200 5 "-" "\xe9"',
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_line_counts_all_the_same(name):
    odd = ODD[name] if isinstance(ODD[name], bytes) else ODD[name].encode()
    reading = read(source(lines(COMBINED).encode() + odd + b"\n"))
    assert (reading.requests, reading.malformed) == (21, 0)
    assert reading.traffic.counts[-1] == 1
    assert reading.traffic.counts.size == 30


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_byte_order_marks_do_not_matter(end, mark):
    for template in (COMMON, COMBINED + " 0.250", ALB, GATEWAY):
        assert read(source(mark + lines(template, end=end).encode())).requests == 20


def test_utf_16_is_read():
    assert read(source(lines(COMBINED).encode("utf-16"))).requests == 20


def test_a_last_line_without_an_end_counts():
    assert read(source(lines(COMBINED).rstrip("\n"))).requests == 20


def test_malformed_lines_are_counted_and_listed_without_their_content():
    reading = read(source(lines(COMBINED) + "\npassword=hunter2 from 192.0.2.77\n" + lines(COMBINED, 3)))
    assert (reading.requests, reading.malformed) == (23, 1)
    assert reading.outlines == [("access.log, line 22", "xxxxxxxx=xxxxxx9 xxxx 999.9.9.99")]


def test_lines_in_any_order_and_over_the_turn_of_a_year():
    december = lines(COMBINED).replace("25/Nov/2026:11", "31/Dec/2026:23")
    january = lines(COMBINED).replace("25/Nov/2026:11", "01/Jan/2027:00")
    traffic = read(source(january + december)).traffic
    assert traffic.requests == 40
    assert traffic.counts.size == 3600 + 20


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed_logs_are_known_by_their_bytes(pack):
    assert read(source(pack(lines(COMBINED).encode()), "access.log.1")).requests == 20


def test_a_packed_log_of_several_members_is_read_to_its_end():
    parts = gzip.compress(lines(COMBINED).encode()) + gzip.compress(lines(COMBINED).encode())
    assert read(source(parts)).requests == 40


def test_a_packed_log_that_breaks_off_gives_what_it_had(monkeypatch):
    monkeypatch.setattr(sources, "BLOCK", 10_000)
    rng = np.random.default_rng(1)
    text = "".join(COMBINED.format(n=n % 60) + f" {rng.random():.6f}\n" for n in range(4000))
    whole = gzip.compress(text.encode(), 1)
    reading = read([source(whole[: len(whole) * 3 // 4]), source(lines(COMBINED))])
    assert 1000 < reading.requests < 3800
    assert "damaged or cut off" in reading.damaged[0]


def test_several_files_and_a_folder_are_one_log(tmp_path):
    (tmp_path / "access.log").write_text(lines(COMBINED))
    (tmp_path / "access.log.1.gz").write_bytes(gzip.compress(lines(COMBINED).encode()))
    reading = read(tmp_path)
    assert (reading.names, reading.requests) == (["access.log", "access.log.1.gz"], 40)


def test_files_of_two_formats_add_up():
    reading = read([source(lines(COMBINED)), source(lines(ALB))])
    assert reading.traffic.counts.tolist() == [2] * 20


def test_a_log_longer_than_a_block_loses_no_line(monkeypatch):
    monkeypatch.setattr(sources, "BLOCK", 10_000)
    text = lines(COMBINED + " 0.250", 59) * 40
    reading = read(source(text))
    assert len(text) > 30 * 10_000
    assert reading.requests == 59 * 40 == reading.traffic.durations.count


@pytest.mark.parametrize("content", [b"", b"\n\n", b"hello\nworld\n", b"\x00\x01\x02" * 50, b"{}\n{}\n", b"a,b\n1,2\n"])
def test_what_is_no_log_is_said_in_one_sentence(content):
    with pytest.raises(Unreadable, match=r"^notes\.txt (is empty|looks like no|holds no)"):
        read(source(content, "notes.txt"))


def test_a_missing_file_is_said_by_name():
    with pytest.raises(Unreadable, match=r"nowhere\.log does not exist"):
        read("nowhere.log")


def test_a_reading_tells_how_far_it_is_and_can_be_stopped(monkeypatch):
    monkeypatch.setattr(sources, "BLOCK", 10_000)
    seen = []
    text = (lines(COMBINED, 59) * 40).encode()
    reading = read(source(text), progress=lambda *state: seen.append(state), cancelled=lambda: len(seen) >= 2)
    assert reading.cancelled
    assert 0 < reading.requests < 59 * 40
    assert seen[0][1] == len(text)


@pytest.mark.thorough
def test_memory_does_not_grow_with_the_log(monkeypatch):
    monkeypatch.setattr(sources, "BLOCK", 100_000)

    def peak(times):
        text = (lines(COMBINED + " 0.250", 59) * times).encode()
        tracemalloc.start()
        read(source(text))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    small, large = peak(60), peak(360)
    assert large < 1.3 * small


def test_neither_addresses_nor_query_strings_are_kept_in_anything_that_is_returned():
    text = lines(COMBINED) + "broken line from 192.0.2.77 with token=s3cr3t99\n" + lines(GATEWAY)
    for reading in (read(source(text)), read(source(lines(GATEWAY))), read(source(lines(ALB)))):
        kept = pickle.dumps(reading)
        for private in (b"192.0.2", b"s3cr3t", b"token", b"alice", b"/cart", b"private", b"Mozilla"):
            assert private not in kept


# Metrics


CONSOLE = (
    '"Full label","Invocations","Duration p99","Duration"\n"Label","Invocations","Duration","Duration"\n'
    '"Statistic","Sum","p99","Average"\n"Period","60","60","60"\n'
)


def test_an_export_of_the_console_counts_and_lasts():
    rows = "".join(f"2026/11/25 10:{n:02d}:00,{n},900,{100 + n}\n" for n in range(60))
    traffic = read(source(CONSOLE + rows, "metrics.csv")).traffic
    assert (traffic.step_s, traffic.start_s, traffic.requests) == (60, START, sum(range(60)))
    weighted = sum(n * (100 + n) for n in range(60)) / sum(range(60))
    assert traffic.durations.mean_ms == pytest.approx(weighted, rel=0.01)


def test_hours_without_a_row_had_no_request():
    rows = "".join(f"2026-11-25T{hour:02d}:00:00Z,{hour * 10}.0,Count\n" for hour in (3, 4, 9, 10, 11))
    traffic = read(source("Timestamp,Sum,Unit\n" + rows)).traffic
    assert traffic.step_s == 3600
    assert traffic.counts.tolist() == [30, 40, 0, 0, 0, 0, 90, 100, 110]


def test_a_response_time_in_seconds_becomes_milliseconds():
    rows = "".join(f"2026-11-25 10:{n:02d}:00;5;0.120\n" for n in range(5))
    traffic = read(source("Time;RequestCount;TargetResponseTime\n" + rows)).traffic
    assert (traffic.requests, traffic.durations.mean_ms) == (25, pytest.approx(120))


def test_a_bad_row_of_metrics_is_counted():
    rows = "2026-11-25T01:00:00Z,10\n2026-11-25T02:00:00Z,n/a\n2026-11-25T03:00:00Z,30\ntotal,40\n"
    reading = read(source("Timestamp,Sum\n" + rows))
    assert (reading.traffic.requests, reading.malformed) == (40, 2)


def test_the_json_of_get_metric_data_is_read():
    times = ["2026-11-25T10:00:00+00:00", "2026-11-25T10:01:00+00:00"]
    results = [
        {"Id": "a", "Label": "Duration", "Timestamps": times, "Values": [100.0, 300.0]},
        {"Id": "b", "Label": "Invocations", "Timestamps": times, "Values": [1.0, 3.0]},
    ]
    traffic = read(source(json.dumps({"MetricDataResults": results}, indent=4))).traffic
    assert (traffic.counts.tolist(), traffic.durations.mean_ms) == ([1, 3], pytest.approx(250, rel=0.01))


def test_the_json_of_get_metric_statistics_is_read_in_any_order():
    points = [{"Timestamp": f"2026-11-25T1{h}:00:00+00:00", "Sum": float(h), "Unit": "Count"} for h in (2, 0, 1)]
    traffic = read(source(json.dumps({"Label": "Invocations", "Datapoints": points}))).traffic
    assert (traffic.step_s, traffic.counts.tolist()) == (3600, [0, 1, 2])


# Samples


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_what_its_script_writes(name):
    stored = (FOLDER / name).read_bytes()
    assert (gzip.decompress(stored) if name.endswith(".gz") else stored) == SAMPLES[name]().encode()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_read(name):
    reading = read(FOLDER / name)
    assert reading.requests >= 60
    assert reading.malformed <= 1
    assert reading.traffic.durations is not None
