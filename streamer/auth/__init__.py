"""From a JSON Web Token to an `Identity`.

`keys` and `claims` are rules; `key_ring` remembers the keys, `secret` fetches them; `authenticator`
joins them. `development` makes keys and tokens for tools and tests.
"""
