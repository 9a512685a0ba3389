"""PromQL over our metrics: parsed by promql-parser, evaluated here over all steps at once. Pure: it is given its series.

Source: Prometheus documentation, "Querying Prometheus: Basics, Operators, Functions".
"""
