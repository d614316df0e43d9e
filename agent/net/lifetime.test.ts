// What becomes of sockets and of the process in unusual moments. Each case is a process of its own.
import assert from 'node:assert/strict';
import { networkTest, runModule, type TestNet } from './testnet.ts';

/** A wrapper that leaves root nothing but these capabilities, inside the namespace. */
function only(net: TestNet, ...capabilities: readonly string[]): string[] {
  const bounds = `--bounding-set=${['-all', ...capabilities].join()}`;
  return ['ip', 'netns', 'exec', net.name, 'setpriv', bounds, '--inh-caps=-all'];
}

networkTest('what onBatch throws is an uncaughtException, and packets go on', async (net) => {
  const printed = await runModule(
    net,
    `
    const caught = [];
    process.on('uncaughtException', (error) => caught.push(error.message));
    let batches = 0;
    const onBatch = () => { throw new Error('batch ' + ++batches); };
    const socket = PacketSocket.open({ ...there, ifindex: net.far, batch: 1, onBatch });
    shout(net, 3);
    while (batches < 3) await delay(1);
    console.log(caught.join());
    socket.close();
    `,
  );
  assert.equal(printed, 'batch 1,batch 2,batch 3');
});

networkTest('without a handler, what onBatch throws ends the process and is shown', async (net) => {
  const ending = runModule(
    net,
    `
    const onBatch = () => { throw new Error('a defect of ours'); };
    PacketSocket.open({ ...there, ifindex: net.far, onBatch });
    shout(net, 1);
    `,
  );
  await assert.rejects(ending, { code: 1, stderr: /a defect of ours/ });
});

networkTest('a ring cannot be detached, as the kernel writes to it', async (net) => {
  const printed = await runModule(
    net,
    `
    const socket = PacketSocket.open({ ...there, ifindex: net.far, onBatch() {} });
    for (const view of [socket.ring, socket.slotMeta]) {
      try { structuredClone(view.buffer, { transfer: [view.buffer] }); } catch (error) { console.log(error.name); }
    }
    console.log(socket.ring.length > 0);
    socket.close();
    `,
  );
  assert.deepEqual(printed.split('\n'), ['DataCloneError', 'DataCloneError', 'true']);
});

networkTest('rings go with their sockets, in whatever order both are let go', async (net) => {
  const printed = await runModule(
    net,
    `
    const rings = () => readFileSync('/proc/self/maps', 'utf8').split('\\n').filter((line) => /socket:/.test(line)).length;
    const mapped = () => Number(/VmSize:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
    const open = () => PacketSocket.open({ ...there, slots: 64, onBatch() {}, scratchBytes: 1 << 24 });
    const kept = open();
    console.log(rings());
    kept.close();
    console.log(rings(), kept.ring[0]);
    open().close();
    for (let i = 0; i < 20; i++) { gc(); await delay(2); }
    const before = mapped();
    for (let i = 0; i < 20; i++) open().close();
    for (let i = 0; i < 100 && mapped() > before + 100_000; i++) { gc(); await delay(5); }
    console.log(rings(), mapped() <= before + 100_000);
    `,
    { flags: ['--expose-gc'] },
  );
  assert.deepEqual(printed.split('\n'), ['1', '0 0', '0 true']);
});

networkTest('a process that closed its sockets ends by itself', async (net) => {
  const printed = await runModule(
    net,
    `
    const onBatch = () => {};
    const sockets = Array.from({ length: 5 }, () => PacketSocket.open({ ...there, onBatch }));
    const links = Links.open({ netns: net.path, onChange() {} });
    process.on('exit', () => console.log('ended'));
    setTimeout(() => { for (const one of [...sockets, links]) one.close(); }, 10);
    `,
  );
  assert.equal(printed, 'ended');
});

networkTest('a process may end with sockets open', async (net) => {
  const printed = await runModule(
    net,
    `
    for (let i = 0; i < 5; i++) PacketSocket.open({ ...there, onBatch() {} });
    RawIpSocket.open();
    Links.open({ netns: net.path, onChange() {} });
    console.log('exiting');
    process.exit(0);
    `,
  );
  assert.equal(printed, 'exiting');
});

networkTest('a forgotten socket receives on; a forgotten raw IP socket is closed', async (net) => {
  const printed = await runModule(
    net,
    `
    const descriptors = () => readdirSync('/proc/self/fd').length;
    let received = 0;
    const onBatch = (count) => { received += count; };
    const forget = (count, open) => { for (let i = 0; i < count; i++) open(); };
    forget(10, () => PacketSocket.open({ ...there, ifindex: net.far, onBatch }));
    const before = descriptors();
    forget(10, () => RawIpSocket.open());
    for (let i = 0; i < 50 && descriptors() > before; i++) { gc(); await delay(5); }
    console.log(descriptors() - before);
    shout(net, 1);
    while (received < 10) await delay(1);
    console.log(received);
    process.exit();
    `,
    { flags: ['--expose-gc'] },
  );
  assert.equal(printed, '0\n10');
});

networkTest('a held port stays held when its object is forgotten', async (net) => {
  const printed = await runModule(
    net,
    `
    (() => { holdPort(67, net.path); })();
    for (let i = 0; i < 10; i++) { gc(); await delay(2); }
    try { holdPort(67, net.path); } catch (error) { console.log(error.code); }
    `,
    { flags: ['--expose-gc'] },
  );
  assert.equal(printed, 'EADDRINUSE');
});

networkTest('a worker that is terminated under load closes its sockets', async (net) => {
  const printed = await runModule(
    net,
    `
    const descriptors = () => readdirSync('/proc/self/fd').length;
    const catcher = new Catcher({ ...there, ifindex: net.far });
    // What a first worker leaves behind is Node's.
    await (await Flood.start(net)).stop();
    const before = descriptors();
    for (let round = 0; round < 10; round++) {
      const already = catcher.caught.length;
      const flood = await Flood.start(net);
      await catcher.until(already + 1);
      await flood.stop();
    }
    console.log(descriptors() - before);
    catcher.socket.close();
    `,
  );
  assert.equal(printed, '0');
});

networkTest('CAP_NET_RAW alone is enough for all of it', async (net) => {
  const printed = await runModule(
    net,
    `
    const socket = PacketSocket.open({ ...there, netns: undefined, onBatch() {} });
    const raw = RawIpSocket.open({ device: 'lo' });
    const onChange = (links) => console.log(links.some(({ name }) => name === 'lo'));
    const links = Links.open({ onChange });
    await links.ready;
    for (const one of [socket, raw, links]) one.close();
    `,
    { wrapper: only(net, '+net_raw') },
  );
  assert.equal(printed, 'true');
});

networkTest('without a capability the error names the one that is missing', async (net) => {
  const printed = await runModule(
    net,
    `
    const attempts = [
      () => PacketSocket.open({ ...there, netns: undefined, onBatch() {} }),
      () => RawIpSocket.open(),
      () => PacketSocket.open({ ...there, onBatch() {} }),
      () => holdPort(67),
    ];
    for (const attempt of attempts) {
      try { attempt(); } catch (error) { console.log(error.code, '|', error.message); }
    }
    `,
    { wrapper: only(net) },
  );
  const refused = 'operation not permitted (EPERM): needs';
  assert.deepEqual(printed.split('\n'), [
    `EPERM | open packet socket: ${refused} CAP_NET_RAW`,
    `EPERM | open raw IP socket: ${refused} CAP_NET_RAW`,
    `EPERM | enter network namespace ${net.path}: ${refused} CAP_SYS_ADMIN`,
    'EACCES | hold UDP port 67: permission denied (EACCES): needs CAP_NET_BIND_SERVICE',
  ]);
});
