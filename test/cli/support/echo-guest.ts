// SPDX-License-Identifier: BSD-2-Clause
/**
 * A guest of 130 bytes, started by the Multiboot protocol: it prints "UP", then sends back what is typed on COM1 byte by
 * byte, without FIFO or interrupts. Bytes 2 to 6 are commands.
 */
export const DEBUG_EXIT = '\x02'; // 0x11 to port 0xF4: process status 0x23
export const HALT = '\x03';
export const TRIPLE_FAULT = '\x04';
export const RESET = '\x05';
export const POWER_OFF = '\x06';

export const ECHO_GUEST = Buffer.from(
  [
    '02b0ad1b 00000100 fe4f51e4 00001000 00001000 00000000 00000000 20001000', // header: load and entry at 1 MiB
    'baf8030000 b055ee b050ee b00aee', // mov edx,0x3f8; "UP\n"
    'bafd030000 ec a801 74f6', // poll: mov edx,0x3fd; in al,dx; test al,1; jz poll
    'baf8030000 ec', // mov edx,0x3f8; in al,dx
    '3c027413 3c037417 3c047417 3c05741c 3c067422', // the commands
    'ee ebd9', // out dx,al; jmp poll
    'baf4000000 b011 ee', // 2: mov edx,0xf4; out dx,0x11
    'fa f4 ebfc', // 3: cli; hlt
    '6a00 6a00 0f011c24 cc', // 4: lidt with limit 0; int3
    'baf90c0000 b006 ee ebe9', // 5: mov edx,0xcf9; out dx,6
    'ba04040000 b800340000 66ef ebdb', // 6: mov edx,0x404; out dx,0x3400: S5
  ]
    .join('')
    .replaceAll(' ', ''),
  'hex',
);
