"""Evidence: what real tools said of real designs, read from their reports and kept as checked records."""

from sctorch.cost.evidence.observation import Observation
from sctorch.cost.evidence.payload import (
    build_payload_from_reports,
    load_design,
    load_synthesis_observation,
    write_payload,
)
from sctorch.cost.evidence.records import load_observations, observations_from_payload
from sctorch.cost.evidence.reports import Origin, Power, Report, Timing, Utilisation, read_report
from sctorch.cost.evidence.schema import observation_schema

__all__ = [
    "Observation", "Origin", "Power", "Report", "Timing", "Utilisation", "build_payload_from_reports", "load_design",
    "load_observations", "load_synthesis_observation", "observation_schema", "observations_from_payload", "read_report",
    "write_payload",
]  # fmt: skip
