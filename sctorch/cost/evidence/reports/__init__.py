"""Readers of the tools' own reports."""

from sctorch.cost.evidence.reports.detect import read_report
from sctorch.cost.evidence.reports.report import Origin, Power, Report, Timing, Utilisation

__all__ = ["Origin", "Power", "Report", "Timing", "Utilisation", "read_report"]
