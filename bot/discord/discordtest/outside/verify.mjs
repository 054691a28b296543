// Discord's own check of signatures.
import { verifyKey } from 'discord-interactions'
import { obey } from './lines.mjs'

obey({
  verify: async (c) => verifyKey(Buffer.from(c.body, 'base64'), c.signature, c.timestamp, process.env.PUBLIC_KEY),
})
