"""What a design costs: estimated before it is written, or measured by real tools."""

from sctorch.cost.energy import Activity, Energy, switching_activity
from sctorch.cost.estimating import Estimate, Figure, estimate
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
    "Activity", "Energy", "Estimate", "Figure", "HlsSynthesis", "Observation", "build_payload_from_reports", "estimate",
    "figures", "load_observations", "load_synthesis_observation", "nonzero_synapses", "observation_schema",
    "observations_from_payload", "read_report", "switching_activity", "synthesize", "synthesize_hls", "write_payload",
]  # fmt: skip
