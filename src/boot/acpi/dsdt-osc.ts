// SPDX-License-Identifier: BSD-2-Clause
/**
 * `_OSC` of the PCI root: what the system may control by itself. Reference: PCI Firmware Specification 3.3, 4.5.1 and
 * ACPI 6.5, 6.2.11.
 */
import * as aml from './aml.js';

const HOST_BRIDGE_UUID = '33DB4D5B-1FF7-401C-9657-7441C03DD766';
const REVISION = 1;

/** Status, in the first DWORD of the buffer. */
const UNRECOGNIZED_UUID = 0x04;
const UNRECOGNIZED_REVISION = 0x08;

/** Control, in the third: PME, AER and the PCI Express capability. No slot takes hot plug, and no device reports latencies. */
const GRANTED = 0x04 | 0x08 | 0x10;

export function oscMethod(): aml.Aml {
  const [uuid, revision, , buffer] = aml.args;
  const status = aml.ref('CDW1');
  const control = aml.ref('CDW3');
  const complain = (bit: number) => aml.store(aml.or(status, aml.integer(bit)), status);
  return aml.method(
    '_OSC',
    { args: 4, serialized: true },
    aml.createDWordField(buffer, 0, 'CDW1'),
    aml.ifTrue(
      aml.equal(uuid, aml.uuid(HOST_BRIDGE_UUID)),
      aml.createDWordField(buffer, 8, 'CDW3'),
      aml.store(aml.and(control, aml.integer(GRANTED)), control),
      aml.ifTrue(aml.not(aml.equal(revision, aml.integer(REVISION))), complain(UNRECOGNIZED_REVISION)),
    ),
    aml.otherwise(complain(UNRECOGNIZED_UUID)),
    aml.returnValue(buffer),
  );
}
