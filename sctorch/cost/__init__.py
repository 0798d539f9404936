"""What a design costs: measured by real tools."""

from sctorch.cost.evidence import (
    Observation,
    build_payload_from_reports,
    load_observations,
    load_synthesis_observation,
    observation_schema,
    observations_from_payload,
    read_report,
    write_payload,
)
from sctorch.cost.figures import figures, nonzero_synapses
from sctorch.cost.synthesis import synthesize
from sctorch.cost.vitis import HlsSynthesis, synthesize_hls

__all__ = [
    "HlsSynthesis", "Observation", "build_payload_from_reports", "figures", "load_observations",
    "load_synthesis_observation", "nonzero_synapses", "observation_schema", "observations_from_payload", "read_report",
    "synthesize", "synthesize_hls", "write_payload",
]  # fmt: skip
