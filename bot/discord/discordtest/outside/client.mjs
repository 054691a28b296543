// The gateway and REST clients of discord.js.
import { REST } from '@discordjs/rest'
import { WebSocketManager, WebSocketShardEvents } from '@discordjs/ws'
import { obey, say } from './lines.mjs'

const rest = new REST({ api: process.env.API_URL, version: '10' }).setToken(process.env.TOKEN)
rest.on('rateLimited', (info) => say({ saw: 'limited', route: info.route, wait: info.timeToReset }))
const manager = new WebSocketManager({
  token: process.env.TOKEN,
  intents: (1 << 9) | (1 << 12),
  rest,
  fetchGatewayInformation: () => rest.get('/gateway/bot'),
})
const first = (a) => a?.data ?? a
manager.on(WebSocketShardEvents.Ready, () => say({ saw: 'ready' }))
manager.on(WebSocketShardEvents.Resumed, () => say({ saw: 'resumed' }))
manager.on(WebSocketShardEvents.HeartbeatComplete, () => say({ saw: 'heartbeat' }))
manager.on(WebSocketShardEvents.Closed, (code) => say({ saw: 'closed', code: code?.code ?? code }))
manager.on(WebSocketShardEvents.Error, (e) => say({ saw: 'error', error: String(e?.error ?? e) }))
manager.on(WebSocketShardEvents.Dispatch, (payload) => {
  const p = first(payload)
  const event = p.t ? p : payload
  say({ saw: 'event', type: event.t, body: event.d })
})

obey({
  start: async () => { await manager.connect() },
  stop: async () => { await manager.destroy() },
  rest: async (c) => rest.request({ method: c.method, fullRoute: c.route, body: c.body, auth: c.auth ?? true, files: c.file && [{ name: c.file, data: Buffer.from('name\nSam\n'), key: 'files[0]' }] }),
})
