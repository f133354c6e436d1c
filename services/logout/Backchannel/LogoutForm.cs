namespace EventAuth.Logout.Backchannel;

/// <summary>What a form says about its logout token.</summary>
public abstract record LogoutForm
{
    private const int MaxParameters = 100;
    private const string Parameter = "logout_token";

    private LogoutForm() { }

    /// <summary>There is exactly one; nothing is known of it yet.</summary>
    public sealed record Found(string Token) : LogoutForm
    {
        /// <summary>Shows no token.</summary>
        public override string ToString() => nameof(Found);
    }

    /// <summary>There is none to look at.</summary>
    public sealed record Refused(string Rule, string Description) : LogoutForm;

    /// <summary>
    /// Reads a body of <c>application/x-www-form-urlencoded</c> (Back-Channel Logout 1.0, 2.5). Strict, so that nobody in
    /// front of us can read another token out of it: no broken percent-encoding anywhere, the parameter once, in ASCII.
    /// Other parameters are ignored.
    /// </summary>
    public static LogoutForm Parse(ReadOnlySpan<byte> body)
    {
        if (body.Count((byte)'&') >= MaxParameters)
        {
            return new Refused("form-parameters", "the form has too many parameters");
        }

        string? token = null;
        foreach (var range in body.Split((byte)'&'))
        {
            var part = body[range];
            var equals = part.IndexOf((byte)'=');
            var encodedName = equals < 0 ? part : part[..equals];
            if (!TryDecode(encodedName, out var name) || !TryDecode(equals < 0 ? [] : part[(equals + 1)..], out var value))
            {
                return new Refused("form-encoding", "the form is not well encoded");
            }

            if (name != Parameter)
            {
                continue;
            }

            if (token is not null)
            {
                return new Refused("form-repeated", "logout_token is there more than once");
            }

            token = value;
        }

        return token switch
        {
            null => new Refused("form-missing", "logout_token is missing"),
            "" => new Refused("form-empty", "logout_token is empty"),
            _ when !token.All(char.IsAscii) => new Refused("form-encoding", "logout_token is not ASCII"),
            _ => new Found(token),
        };
    }

    // One char per byte: enough for the one parameter that is read, which must be ASCII.
    private static bool TryDecode(ReadOnlySpan<byte> encoded, out string text)
    {
        var decoded = encoded.Length <= 256 ? stackalloc char[encoded.Length] : new char[encoded.Length];
        var length = 0;
        text = "";
        for (var i = 0; i < encoded.Length; i++)
        {
            switch (encoded[i])
            {
                case (byte)'+':
                    decoded[length++] = ' ';
                    break;
                case (byte)'%' when i + 2 < encoded.Length
                    && char.IsAsciiHexDigit((char)encoded[i + 1]) && char.IsAsciiHexDigit((char)encoded[i + 2]):
                    decoded[length++] = (char)((HexValue(encoded[i + 1]) << 4) | HexValue(encoded[i + 2]));
                    i += 2;
                    break;
                case (byte)'%' or < 0x20 or > 0x7e:
                    return false;
                default:
                    decoded[length++] = (char)encoded[i];
                    break;
            }
        }

        text = new string(decoded[..length]);
        return true;
    }

    private static int HexValue(byte digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
