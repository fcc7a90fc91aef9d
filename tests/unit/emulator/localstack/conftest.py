"""Puts our package for LocalStack's environment on the path, for the modules of it that need nothing else."""

import sys

from emulator.localstack.environment import PROVIDER

sys.path.append(str(PROVIDER))
