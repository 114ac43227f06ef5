"""Moves bytes and counts them: connections, HTTP by hand, streams, windows and round trips.

    window, latency (pure parts)  ←  kernel, dial, http, backend  ←  streams  ←  direction

The engine `probe.engines.http` puts these together. Blocking sockets, one thread a stream, the
bytes stay in the kernel where they can; HTTP libraries are not on this path.
"""
