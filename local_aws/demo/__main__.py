"""``python -m local_aws.demo``."""

import sys

from local_aws.demo.run import main

if __name__ == "__main__":
    sys.exit(main())
