"""Whether hardware equals PyTorch: runners and comparison."""

from sctorch.verification.compare import PairResult, compare
from sctorch.verification.report import VerifyReport, verify

__all__ = ["PairResult", "VerifyReport", "compare", "verify"]
