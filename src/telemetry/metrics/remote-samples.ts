import { durationSamples } from './histogram-samples';
import { FAMILIES } from './metric-families';
import { REMOTE_OUTCOMES } from './outcome';
import type { RemoteFigures } from './remote-figures';
import { RemoteTotals } from './remote-totals';
import type { FamilySamples, Labels, Sample } from './sample';

/** What there is to show of the remotes of all models. */
export function remoteSamples(remotes: readonly RemoteFigures[]): FamilySamples[] {
  const totals = remotes.map((figures) => new RemoteTotals(figures));
  const each = (value: (remote: RemoteTotals) => number): Sample[] =>
    totals.map((remote) => ({ labels: labelsOf(remote), value: value(remote) }));
  return [
    [
      FAMILIES.remoteCalls,
      totals.flatMap((remote) =>
        REMOTE_OUTCOMES.map((outcome) => ({
          labels: { ...labelsOf(remote), outcome },
          value: remote.calls(outcome),
        })),
      ),
    ],
    [
      FAMILIES.remoteCallDuration,
      totals.flatMap((remote) =>
        durationSamples(FAMILIES.remoteCallDuration.name, labelsOf(remote), remote.durations),
      ),
    ],
    [FAMILIES.remoteRetries, each(({ retries }) => retries)],
    [FAMILIES.remoteOutstanding, each(({ of }) => of.outstanding)],
    [FAMILIES.remoteEjected, each(({ of }) => of.ejected)],
    [FAMILIES.remoteEjections, each(({ ejections }) => ejections)],
    [FAMILIES.remoteSent, each(({ bytesSent }) => bytesSent)],
    [FAMILIES.remoteReceived, each(({ bytesReceived }) => bytesReceived)],
  ];
}

function labelsOf({ of: { model, remote } }: RemoteTotals): Labels {
  return { model, remote };
}
