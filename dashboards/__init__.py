"""Grafana's dashboards as code: `python -m dashboards` writes them below promql/ and influxql/.

One description of each dashboard, two sets of files that show the same: PromQL for a
VictoriaMetrics that a sink fills, InfluxQL for an InfluxDB. What only `/metrics` says is PromQL in
both.
"""
