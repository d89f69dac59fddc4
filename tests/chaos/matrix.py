"""All faults there are."""

from tests.chaos import faults_board, faults_log
from tests.chaos.faults import FAULTS

__all__ = ["FAULTS", "faults_board", "faults_log"]
