"""Moves bytes and counts them: connections, HTTP by hand, streams, windows and round trips.

    window, framing  ←  kernel, dial, http, backend, latency  ←  streams  ←  direction  ←  result

The engine `probe.engines.http` puts these together. Blocking sockets, one thread a stream, the
bytes stay in the kernel where they can; HTTP libraries are not on this path.
"""
