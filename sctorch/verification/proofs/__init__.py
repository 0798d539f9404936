"""Proofs that exported designs equal the reference simulator, for every input. Needs z3 and yosys."""

import importlib.util

from sctorch.errors import ToolNotFoundError

if importlib.util.find_spec("z3") is None:
    raise ToolNotFoundError("z3", "Install it with: pip install 'sctorch[eda]'.")

from sctorch.verification.proofs.check import check_equivalence
from sctorch.verification.proofs.report import Counterexample, ProofPart, ProofReport, ProofStatus

__all__ = ["Counterexample", "ProofPart", "ProofReport", "ProofStatus", "check_equivalence"]
