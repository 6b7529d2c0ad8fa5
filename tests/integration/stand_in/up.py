"""A stack with stand-ins for its services, as a process of its own: `python -m stand_in.up DATA`."""

import asyncio
import os
import sys
from pathlib import Path

from vidmesh_stack.__main__ import run
from vidmesh_stack.service import SERVICES
from vidmesh_stack.settings import StackSettings

asyncio.run(
    run(
        StackSettings(
            data=Path(sys.argv[1]),
            port=0,
            services=dict.fromkeys(SERVICES, "stand_in"),
            env={"PYTHONPATH": os.environ["PYTHONPATH"]},
        )
    )
)
