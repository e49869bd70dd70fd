// SPDX-License-Identifier: BSD-2-Clause
/** `npm run docs`: writes the pages that are made from sources. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/hypervisor/package-root.js';
import { controlApi } from './control-api.js';
import { deviceModel } from './device-model.js';
import { statePage } from './state-page.js';

writeFileSync(join(packageRoot(), 'docs/device-model.md'), deviceModel(packageRoot()));
writeFileSync(join(packageRoot(), 'docs/control-api.md'), controlApi());
writeFileSync(join(packageRoot(), 'docs/state/README.md'), statePage());
