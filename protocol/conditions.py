"""What could make a number unfair, measured before, during and after: a record's conditions.

What was not measured is null, never zero.
"""

from typing import Literal

from pydantic import AwareDatetime

from protocol.model import Count, Model, Ratio, Seconds, Text


class InterfaceState(Model):
    """The interface of the path. Counters are totals since boot, payload and headers."""

    name: Text
    kind: Literal["wired", "wifi", "modem", "loopback", "virtual", "unknown"]
    up: bool
    speed_bits_per_second: Count | None
    duplex: Literal["full", "half"] | None
    mtu_bytes: Count | None
    received_bytes: Count | None
    sent_bytes: Count | None
    received_errors: Count | None
    sent_errors: Count | None
    received_dropped: Count | None
    sent_dropped: Count | None


class WifiState(Model):
    """The radio link, where the interface is Wi-Fi."""

    signal_dbm: float | None
    rate_bits_per_second: Count | None
    frequency_hertz: Count | None


class DeviceState(Model):
    """The device itself. Temperature in °C; power is what the board's firmware tells.

    After a test, ``undervoltage`` and ``throttled`` are true also where it was so during the test.
    """

    load_1m: Ratio | None
    memory_available_bytes: Count | None
    temperature_celsius: float | None
    undervoltage: bool | None
    throttled: bool | None


class Snapshot(Model):
    """Conditions at one moment, before or after a test."""

    monotonic_seconds: Seconds
    interface: InterfaceState | None
    wifi: WifiState | None
    device: DeviceState
    gateway: Text | None
    local_address: Text | None
    public_address: Text | None
    clock_synchronised: bool | None


class WindowTraffic(Model):
    """What moved in one direction's measuring window: frames with headers, beside the test's own.

    Attributes:
        duration_seconds: length of the window.
        interface_received_bytes, interface_sent_bytes: by the interface's counters.
        router_received_bytes, router_sent_bytes: by the counters of the router's side towards the
            carrier (UPnP IGD); null where it was not asked, or its counters are of no use.
        test_bytes: payload that the test's own connections received (download) or sent (upload), by
            the probe's kernel: what was sent again, and what TLS adds, included.
        segment_bytes: payload of a full segment, the smallest of the streams'; null where unknown.
        acknowledgements: segments without payload that the same connections sent (download) or
            received (upload); null where the kernel was not asked.
    """

    duration_seconds: Seconds
    interface_received_bytes: Count | None
    interface_sent_bytes: Count | None
    router_received_bytes: Count | None
    router_sent_bytes: Count | None
    test_bytes: Count
    segment_bytes: Count | None
    acknowledgements: Count | None = None


class During(Model):
    """Conditions while a test ran. CPU ratios: 1.0 is one core busy all the time.

    Attributes:
        busiest_core_ratio: the busiest core of any second of a direction (of the whole test where
            no direction lasted a second).
        busiest_thread_ratio: the busiest thread of the measuring program in such a second.
        cpu_frequency_minimum_ratio: of such seconds with a core that had work to do, the lowest
            clock of a core, as a share of its highest; null where there was none or none is told.
        heat_limit_reached: whether a thermal zone was at a limit of its own at any second; null
            where no zone has one.
        download, upload: what moved in the window of each direction, where there was one.
    """

    duration_seconds: Seconds
    process_cpu_ratio: Ratio | None
    machine_cpu_ratio: Ratio | None
    busiest_core_ratio: Ratio | None
    temperature_maximum_celsius: float | None
    interface_received_bytes: Count | None
    interface_sent_bytes: Count | None
    test_received_bytes: Count | None
    test_sent_bytes: Count | None
    busiest_thread_ratio: Ratio | None = None
    cpu_frequency_minimum_ratio: Ratio | None = None
    heat_limit_reached: bool | None = None
    download: WindowTraffic | None = None
    upload: WindowTraffic | None = None


class Ceiling(Model):
    """What a device was certified to measure, by the technician's acceptance test.

    Attributes:
        download_bits_per_second, upload_bits_per_second: payload rates that it carried itself.
        certified_at: when.
        interface: over which interface: it says nothing of the device's others.
    """

    download_bits_per_second: Count
    upload_bits_per_second: Count
    certified_at: AwareDatetime
    interface: Text


class Admission(Model):
    """How often the server was full, before it took the test or the test was given up.

    Attributes:
        refusals: how often.
        waited_seconds: for how long the probe waited in all. The record's other conditions are of
            the last attempt.
    """

    refusals: Count
    waited_seconds: Seconds


class Conditions(Model):
    """What could make the number unfair, measured before, during and after.

    Attributes:
        ceiling: what this device was certified for over the test's interface; null: it was not.
        by_carrier: whether the test left by the line's carrier, by the public address; null where
            that is not known.
        admission: where the server was full at first; null: it was not.
    """

    model: Text | None
    cores: Count | None
    before: Snapshot
    during: During | None
    after: Snapshot | None
    ceiling: Ceiling | None = None
    by_carrier: bool | None = None
    admission: Admission | None = None
