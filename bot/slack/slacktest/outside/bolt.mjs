// Bolt behind its HTTP receiver, which checks signatures.
import bolt from '@slack/bolt'
import { obey, say } from './lines.mjs'

const receiver = new bolt.HTTPReceiver({
  signingSecret: process.env.SIGNING_SECRET,
  endpoints: ['/commands', '/actions', '/events'],
  logLevel: 'error',
})
const app = new bolt.App({
  token: process.env.BOT_TOKEN,
  receiver,
  logLevel: 'error',
  clientOptions: { slackApiUrl: process.env.API_URL },
})

app.command('/mfa', async ({ command, ack }) => {
  await ack(`you typed ${command.text}`)
})
app.action('open', async ({ ack, body, client }) => {
  await ack()
  const view = {
    type: 'modal',
    callback_id: 'why',
    title: { type: 'plain_text', text: 'Why' },
    submit: { type: 'plain_text', text: 'Send' },
    blocks: [{
      type: 'input', block_id: 'reason',
      label: { type: 'plain_text', text: 'Reason' },
      element: { type: 'plain_text_input', action_id: 'in' },
    }],
  }
  await client.views.open({ trigger_id: body.trigger_id, view })
})
app.view('why', async ({ ack, view }) => {
  const { value } = view.state.values.reason.in
  if (value === 'no') await ack({ response_action: 'errors', errors: { reason: 'that is no reason' } })
  else await ack()
  say({ saw: 'reason', value })
})
app.event('app_mention', async ({ event }) => say({ saw: 'mention', text: event.text }))
app.event('app_home_opened', async ({ event }) => say({ saw: 'home', user: event.user }))
app.message(async ({ message, say: reply }) => { await reply(`you wrote ${message.text}`) })

const server = await app.start({ port: 0, host: '127.0.0.1' })
say({ saw: 'listening', port: server.address().port })
obey({})
