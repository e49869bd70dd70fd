# SPDX-License-Identifier: BSD-2-Clause
# The disk's requests by the doorbell of the modern interface, on a machine with two processors: there engines note the
# write and the vCPU goes on. The second processor is never started.
.set DOORBELL, 0xd0000000
.include "engines/virtio-blk.S"
