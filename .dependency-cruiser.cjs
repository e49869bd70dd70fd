/** The layers of ARCHITECTURE.md: imports point down only. */
const layer = (name, from, to) => ({ name, severity: 'error', from: { path: from }, to: { path: to } });

module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    layer('core-is-the-bottom', '^src/core', '^(src/(?!core)|devices)'),
    layer('hypervisor-on-core', '^src/hypervisor', '^(src/(?!core|hypervisor)|devices)'),
    layer('devices-on-core', '^devices', '^src/(?!core)'),
    {
      name: 'devices-without-node',
      severity: 'error',
      from: { path: '^devices' },
      to: { dependencyTypes: ['core', 'npm'] },
    },
    {
      name: 'host-on-hypervisor',
      severity: 'error',
      from: { path: '^src/host' },
      to: { path: '^src/(?!core|host|hypervisor)' },
    },
    {
      // These files declare interfaces and nothing else; the parser cannot tell an import of a type from another one.
      name: 'host-takes-only-interfaces-from-devices',
      severity: 'error',
      from: { path: '^src/host' },
      to: { path: '^devices', pathNot: '-(backend|source)\\.ts$' },
    },
    layer('boot-on-core', '^src/boot', '^src/(?!core|boot)'),
    layer('machine-below-cli', '^src/(machine|snapshot)', '^src/(cli|index)'),
    {
      name: 'addon-has-one-door',
      severity: 'error',
      from: { pathNot: '^src/hypervisor' },
      to: { path: '^src/hypervisor/addon' },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
};
