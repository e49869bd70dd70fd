# SPDX-License-Identifier: BSD-2-Clause
# The disk's requests again, on a machine with two processors: there engines note a doorbell and the vCPU goes on. The
# second processor is never started.
.include "engines/virtio-blk.S"
