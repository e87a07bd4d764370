"""The commands behind the Makefile. Importing any of them puts the two source roots on the path."""

import os
import sys

from tools.ground.paths import CONSTRUCTS, LAMBDA

sys.path[:0] = [str(CONSTRUCTS), str(LAMBDA)]
# Node 20 is supported by the CDKTF command line; jsii would print a banner over every answer.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
