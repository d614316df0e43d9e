/**
 * Node's HTTP, for who needs it as a server or without TLS. Imported as an ES module it would load all that it exports,
 * WebSocket and with it the whole of fetch among that: 12 MB.
 */
export const { createServer, request } = process.getBuiltinModule('node:http');
