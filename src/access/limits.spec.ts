import { addressName } from './limits';

describe('the name of an address', () => {
  it.each([
    ['10.0.0.1', 'ip:10.0.0.1'],
    ['::ffff:10.0.0.1', 'ip:10.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', 'ip:2001:db8:1:2::'],
    ['2001:db8:1:2:ffff:4:5:6', 'ip:2001:db8:1:2::'],
    ['2001:db8:1:3:3:4:5:6', 'ip:2001:db8:1:3::'],
    ['2001:db8::6', 'ip:2001:db8::'],
    ['::1', 'ip:::'],
    [undefined, 'ip:'],
  ])('%s is %s', (address, name) => expect(addressName(address)).toBe(name));
});
