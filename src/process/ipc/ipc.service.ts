import { Inject, Injectable } from '@nestjs/common';
import { type ClusterConfig, clusterConfig } from '../../config/config.slices';
import { hasPrimary } from './has-primary';
import { RpcChannel, type ChannelMessage, isChannelMessage } from './rpc-channel';
import { failedReply, FAN_OUT, type FanOut, type Reply, type ToPrimary, type ToWorker } from './messages';

/** What the primary has beyond the time it gives each worker, for its own part of a question. */
const GATHER_MS = 1000;

/**
 * A worker's line to its primary, and through it to all workers. Where there is no primary, the process
 * answers its own questions, so that nobody above has to know.
 */
@Injectable()
export class Ipc {
  /** Was this process told to leave by its primary, which sees to it that nobody is surprised? */
  toldToStop = false;
  readonly hasPrimary: boolean;
  private readonly channel: RpcChannel;

  constructor(@Inject(clusterConfig.KEY) config: ClusterConfig) {
    this.hasPrimary = hasPrimary(config);
    if (this.hasPrimary) {
      this.channel = new RpcChannel((message) => process.send?.(message));
      process.on('message', (message: ToWorker) => {
        if (isChannelMessage(message)) this.channel.receive(message);
        else if (message.kind === 'stop') this.toldToStop = true;
      });
      process.once('disconnect', () => this.channel.close('The primary process is gone.'));
    } else {
      this.channel = new RpcChannel((message: ChannelMessage) => this.channel.receive(message));
      this.channel.handle<FanOut, Reply<unknown>[]>(FAN_OUT, async ({ topic, payload, timeoutMs }) => {
        try {
          return [{ worker: 0, ok: true, value: await this.channel.ask(topic, payload, timeoutMs) }];
        } catch (error) {
          return [failedReply(0, error)];
        }
      });
    }
  }

  /** Answers this worker's part of the questions on `topic`. */
  handle<Payload, Value>(topic: string, handler: (payload: Payload) => Value | Promise<Value>): void {
    this.channel.handle(topic, handler);
  }

  /** Asks for a successor: this process is beyond repair. Without a primary nobody can follow it. */
  wantReplacement(reason: string): void {
    const message: ToPrimary = { kind: 'replace-me', reason };
    if (this.hasPrimary) process.send?.(message);
  }

  /** Asks the primary. Without one, the handler of this very process answers. */
  askPrimary<Value>(topic: string, payload: unknown, timeoutMs: number): Promise<Value> {
    return this.channel.ask(topic, payload, timeoutMs);
  }

  /** Asks every worker, this one included, and gathers a reply from each; a dead or late one gives its reason. */
  askAll<Value>(topic: string, payload: unknown, timeoutMs: number): Promise<Reply<Value>[]> {
    const question: FanOut = { topic, payload, timeoutMs };
    return this.channel.ask(FAN_OUT, question, timeoutMs + GATHER_MS);
  }
}
