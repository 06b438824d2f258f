import { remoteUrl } from './host-rules';

describe('remoteUrl', () => {
  it.each([
    ['http://gpu-1:8000', ['gpu-1']],
    ['http://GPU-1:8000', ['gpu-1:8000']],
    ['http://gpu-1', ['gpu-1:80']],
    ['https://gpu-1', ['gpu-1:443']],
    ['http://a.gpu.example', ['*.gpu.example']],
    ['http://a.b.gpu.example:8000', ['*.gpu.example:8000']],
    ['http://[::1]:8000', ['[::1]']],
    ['http://[::1]:8000', ['[::1]:8000']],
    ['http://anything', ['gpu-1', '*']],
  ])('%s is allowed by %j', (url, allowed) => {
    expect(remoteUrl(url, 1, allowed).href).toBe(new URL(url).href);
  });

  it.each([
    ['http://gpu-2', ['gpu-1']],
    ['http://gpu-1:8001', ['gpu-1:8000']],
    ['http://gpu.example', ['*.gpu.example']],
    ['http://evilgpu.example', ['*.gpu.example']],
    ['http://gpu-1.evil.example', ['gpu-1']],
    ['http://gpu-1@evil.example', ['gpu-1']],
    ['http://anything', []],
  ])('%s is not allowed by %j', (url, allowed) => {
    expect(() => remoteUrl(url, 2, allowed)).toThrow(
      /URL 2 of its remotes.* (REMOTE_ALLOWED_HOSTS|credentials)/,
    );
    // Whoever may call need not know what is called inside.
    expect(() => remoteUrl(url, 2, allowed)).not.toThrow(new URL(url).hostname);
  });
});
