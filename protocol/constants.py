"""Every number and name of the protocol, once, each with its reason."""

from typing import Final

SCHEMA: Final = 1
"""Version of the record. Raised when a stored field changes its meaning; no field is reused."""

GENESIS_HASH = "0" * 64
"""The ``prev`` of a chain's first record: there is nothing before it to hash."""

# --- What the collector takes in one request -------------------------------------------------

MAX_RECORD_BYTES = 128 * 1024
"""One line. A full speed record with 16 streams and 26 s of 100 ms samples is below 64 KiB."""

MAX_BATCH_RECORDS = 1000
"""Lines in a batch. At a speed, latency and reach rhythm of 5 minutes this is a day and a half."""

MAX_BATCH_BYTES = 8 * 1024 * 1024
"""A batch after decompression; the guard against a compressed bomb."""

MAX_BODY_BYTES = 2 * 1024 * 1024
"""A batch as it travels. Records compress about eight times with gzip."""

# --- Collector resources ---------------------------------------------------------------------

RECORDS_PATH = "/v1/records"
ENROL_PATH = "/v1/enrol"
INSTRUCTION_PATH = "/v1/instruction"
RECORDS_CONTENT_TYPE = "application/x-ndjson"
GAP_HEADER = "Linewatch-Gap"
GAP_ACKNOWLEDGED = "acknowledged"
"""A batch with this header says: the records before it are lost, the gap is to be kept and shown.
Without it the collector asks for them (409)."""

PROBLEM_CONTENT_TYPE = "application/problem+json"
"""RFC 9457."""

# --- Tokens and clocks -----------------------------------------------------------------------

TOKEN_LIFETIME_SECONDS = 300
"""A request's token. Short: a token that leaks from a log is worth nothing soon after."""

TOKEN_LEEWAY_SECONDS = 60
"""How far probe and collector clocks may differ before a token is refused."""

CLOCK_TOLERANCE_SECONDS = 30
"""A probe whose clock differs from the collector's ``Date`` by more corrects itself.

Below it, HTTP's one-second resolution and the round trip would be mistaken for an error.
"""

# --- Measurement server resources ------------------------------------------------------------

BACKEND_PREFIXES = ("/", "/backend/")
"""Where LibreSpeed's clients look for a backend."""

GARBAGE = "garbage.php"
EMPTY = "empty.php"
GET_IP = "getIP.php"
"""The three resources of LibreSpeed's backend."""

SERVER_PATH = "/linewatch/v1/server"
"""What a Linewatch server says of itself and its load (`protocol.messages.ServerInfo`)."""

TESTS_PATH = "/linewatch/v1/tests/"
"""Followed by the test's id: what the server saw of it (`protocol.messages.ServerTest`)."""

TEST_PARAMETER = "test"
STREAM_PARAMETER = "stream"
"""Query parameters by which our own clients name their test and stream on GARBAGE and EMPTY."""

CONGESTION_PARAMETER = "congestion"
"""Query parameter by which our own clients ask GARBAGE to be sent with a TCP congestion control."""

CONGESTION_CONTROLS = frozenset({"cubic", "bbr"})
"""Those that may be asked for."""

GARBAGE_CHUNK_BYTES = 1024 * 1024
"""``ckSize`` counts in this unit (MiB), as LibreSpeed's backends do."""

GARBAGE_MAX_CHUNKS = 1024
"""The most that one request may ask for, as LibreSpeed's backends cap it."""

PLAIN_UPLOAD_BYTES = 20 * 1024 * 1024
"""The size of one upload request to a server that states none: what LibreSpeed's page sends."""

DEFAULT_ENGINE: Final = "http"
"""What speaks with a server that does not say otherwise."""

DEFAULT_SERVER_PORT = 8080
DEFAULT_COLLECTOR_PORT = 8000
DEFAULT_STATUS_PORT = 9780

# --- What Ookla's servers serve ----------------------------------------------------------------

OOKLA_ENGINE: Final = "ookla"
OOKLA_FOLDER = "/speedtest/"
OOKLA_PING = "latency.txt"
OOKLA_PONG = b"test=test"
OOKLA_UPLOAD = "upload.php"
"""As speedtest-cli 2.1.3 asks for them."""

OOKLA_SIZES: Final = {
    350: 245_388,
    500: 505_544,
    750: 1_118_012,
    1000: 1_986_284,
    1500: 4_468_241,
    2000: 7_907_740,
    2500: 12_407_926,
    3000: 17_816_816,
    3500: 24_262_167,
    4000: 31_625_365,
}
"""Side of the random image in pixels → length of its file, as Ookla's servers have them: what
several servers that imitate them serve, the same numbers in each."""

OOKLA_DOWNLOAD = "random4000x4000.jpg"
"""The largest that speedtest-cli asks for: the fewest pauses between one and the next."""

OOKLA_UPLOAD_BYTES = 7_340_032
"""The largest upload that speedtest-cli sends (7 MiB), so that every server of Ookla's takes it."""

IPERF3_ENGINE: Final = "iperf3"
FOREIGN_ENGINES: Final = frozenset({OOKLA_ENGINE, IPERF3_ENGINE})
"""Engines whose servers are asked by themselves alone: an iperf3 server takes any connection for a
test, and Ookla's are used by who accepted its terms."""

# --- STAMP (RFC 8762) ------------------------------------------------------------------------

STAMP_PACKET_BYTES = 44
"""An unauthenticated STAMP packet, section 4.2.1; sender and reflector packets are the same size
so that a reflector never amplifies (section 4.3)."""

# --- The `http` method -----------------------------------------------------------------------

SAMPLE_INTERVAL_SECONDS = 0.1
"""How often each stream's bytes are read during a direction."""

FULL_WINDOW_SECONDS = 10.0
"""The measuring window of `full`: the fixed 10 s of FCC MBA and SamKnows."""

SPEED_RESERVED_SECONDS = 120
"""How long a speed slot keeps its line for itself: 26 s of load, idle latency, connecting, and a
server that answers late. It ends within its part."""

HOUR_GUARD_SECONDS = 60
"""No slot within a minute of a full hour: that is when everybody's cron jobs, backups and other
people's speed tests start, and a line measured there looks worse than it is."""

QUICK_WARM_UP_SECONDS = 0.5
"""Excluded at the start of each direction in `quick`."""

QUICK_WINDOW_SECONDS = 3.0
"""The longest that `quick` measures after it: with the warm-up a quarter of what `full` moves."""

QUICK_RATE_SECONDS = 0.5
QUICK_STABLE_SECONDS = 0.5
QUICK_STABLE_SPREAD = 0.03
"""`quick` ends when the mean rates of half a second, taken at each sample of the last half second,
differ by at most 3 % ((max - min) / min): the stop rule published for Fast.com's clients, over a
shorter time. `docs/method.md` has what it was chosen from, and by which figures."""

QUICK_UNSETTLED_SECONDS = 1.5
"""Of a rate that never settled the mean of the last 1.5 s is given."""

IDLE_LATENCY_REQUESTS = 20
"""Small requests on a warm connection before any load. RMBT asks for at least 10; 20 give a
median that one late answer does not move."""

IDLE_LATENCY_INTERVAL_SECONDS = 0.1
"""From one of them to the next: 2 s in all."""

LOADED_LATENCY_INTERVAL_SECONDS = 0.2
"""From one small request to the next while a direction runs: 50 in a window. At twice as many their
own bytes would take 0.8 % of a line of 5 Mbit/s from the measurement."""
