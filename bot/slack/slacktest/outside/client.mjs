// Slack's own Socket Mode client and Web API client.
import { SocketModeClient } from '@slack/socket-mode'
import { WebClient } from '@slack/web-api'
import { obey, say } from './lines.mjs'

const slackApiUrl = process.env.API_URL
const socket = new SocketModeClient({
  appToken: process.env.APP_TOKEN,
  logLevel: 'error',
  clientPingTimeout: 500, // also the wait before it reconnects
  serverPingTimeout: 3000,
  clientOptions: { slackApiUrl },
})
const web = new WebClient(process.env.BOT_TOKEN, {
  slackApiUrl,
  logLevel: 'error',
  retryConfig: { retries: 0 },
  rejectRateLimitedCalls: true,
})

for (const state of ['connected', 'reconnecting']) {
  socket.on(state, () => say({ saw: state }))
}
const answers = []
socket.on('slack_event', async ({ ack, ...envelope }) => {
  const answer = answers.shift()
  if (answer !== 'none') await ack(answer)
  say({ saw: 'envelope', ...envelope })
})

obey({
  start: async () => { await socket.start() },
  stop: async () => { await socket.disconnect() },
  answer: async (c) => { answers.push(c.with) },
  web: async (c) => web.apiCall(c.method, c.args),
  upload: async (c) => web.filesUploadV2({ ...c.args, file: Buffer.from(c.data, 'base64') }),
})
