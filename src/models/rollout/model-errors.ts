import { DomainError } from '../../errors/domain-error';

/** Requests do not bring back what a call took away. */
export function unloadedByCall(model: string): DomainError {
  return new DomainError('model_unavailable', `Model "${model}" was unloaded; a load call brings it back.`);
}

/** One that workers died of while it ran. */
export function quarantinedVersion(model: string, version: string, reason: string): DomainError {
  return new DomainError(
    'model_quarantined',
    `Model "${model}" version ${version} is set aside: ${reason}; a load call tries again.`,
  );
}

/** One that a worker died of while it loaded it. */
export function deadlyModel(model: string): DomainError {
  return new DomainError(
    'model_unavailable',
    `Model "${model}" is left alone since a worker died while it loaded it; a load call tries again.`,
  );
}
