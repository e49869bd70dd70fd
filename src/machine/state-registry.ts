// SPDX-License-Identifier: BSD-2-Clause
import { shapes as deviceShapes, nestedShapes } from '../../devices/registry.js';
import type { AnyShape } from '../core/state-shape.js';
import { processorsShape } from '../hypervisor/processors-state.js';
import { vcpuShape } from '../hypervisor/vcpu-state.js';

/** Everything that can be in a saved machine. */
export const shapes: readonly AnyShape[] = [...deviceShapes, ...nestedShapes, vcpuShape, processorsShape];
