// Made from the contracts by `npm run docs`; not to be edited.

export interface Attachment {
  id: string;
  kind: "image";
  name: string;
  bytes: number;
  mime: string;
  /** Relative to the address of the server, but absolute where images are kept in a bucket. */
  url: string;
  thumb_url: string | null;
  width: number | null;
  height: number | null;
}

export interface Brand {
  code: string;
  name: string;
  kind: "vehicle" | "parts";
}

export interface BusinessProfile {
  company_name: string | null;
  tin: string | null;
  activity: ("seller" | "buyer" | "service")[];
  region: string | null;
  city: string | null;
  address: string | null;
  about: string | null;
  logo_upload_id: string | null;
  logo_url: string | null;
  hide_phone: boolean;
  is_enabled: boolean;
  status: "none" | "pending" | "enabled" | "rejected" | "suspended";
  reason: string | null;
  rev: number;
}

export interface Category {
  id: string;
  code: string;
  /** In the request's language. */
  name: string;
  children: SubCategory[];
}

export interface District {
  code: string;
  /** In the request's language. */
  name: string;
}

export interface Entitlements {
  /** null: unlimited. */
  posts_per_month: number | null;
  max_images_per_post: number;
  saved_searches: number;
  contact_reveals_per_day: number;
}

export interface Facets {
  /** The most frequent first; `value` goes into the filter of that name. */
  category: {
    value: string;
    label: string;
    count: number;
  }[];
  /** The most frequent first; `value` goes into the filter of that name. */
  brand: {
    value: string;
    label: string;
    count: number;
  }[];
  /** The most frequent first; `value` goes into the filter of that name. */
  condition: {
    value: string;
    label: string;
    count: number;
  }[];
  /** The most frequent first; `value` goes into the filter of that name. */
  region: {
    value: string;
    label: string;
    count: number;
  }[];
  /** In the `currency` asked for; null without one. */
  price: {
    min: string | null;
    max: string | null;
  };
}

export interface Fitment {
  make: string;
  model?: string | undefined;
  year_from?: number | undefined;
  year_to?: number | undefined;
  engine?: string | undefined;
}

export interface Message {
  id: string;
  thread_id: string;
  /** Position in the thread: 1, 2, 3… without holes; the order of display. */
  seq: number;
  /** The revision of the thread that changed this message last. */
  rev: number;
  /** Chosen by the sender; by it the sender knows a message again. */
  client_id: string;
  sender: {
    /** null: the system. */
    id: string | null;
    kind: "user" | "system";
  };
  type: "text" | "system" | "deleted";
  /** null without text and once deleted; a word of the system, if it sent it. */
  text: string | null;
  attachments: Attachment[];
  reply_to: Preview | null;
  reactions: {
    emoji: string;
    user_ids: string[];
  }[];
  /** Found in the text, in the form in which all their spellings are one. */
  part_numbers: string[];
  created_at: string;
  edited_at: string | null;
  deleted_at: string | null;
}

export interface Notification {
  id: string;
  type: NotificationType;
  /** Unread notes of one group share a row: `thread:<id>`, `search:<id>`, `contact:<post id>`. */
  group_key: string | null;
  /** How many the row stands for. */
  count: number;
  title: string;
  body: string;
  /** Who caused it, the latest first. */
  actors: PublicUser[];
  data: {
    thread_id?: string | undefined;
    /** The message that `body` shows. */
    message_id?: string | undefined;
    post_id?: string | undefined;
    search_id?: string | undefined;
    plan?: string | undefined;
    until?: string | undefined;
    reason?: string | undefined;
    what?: "password" | "phone" | undefined;
  };
  read_at: string | null;
  created_at: string;
  updated_at: string;
  /** Rises with every change of the row. */
  rev: number;
}

export interface NotificationPreferences {
  types: {
    chat_message: TypePreference;
    post_approved: TypePreference;
    post_rejected: TypePreference;
    post_hidden: TypePreference;
    post_expiring: TypePreference;
    post_expired: TypePreference;
    b2b_enabled: TypePreference;
    b2b_rejected: TypePreference;
    b2b_suspended: TypePreference;
    subscription_activated: TypePreference;
    subscription_expiring: TypePreference;
    subscription_expired: TypePreference;
    subscription_canceled: TypePreference;
    search_match: TypePreference;
    contact_revealed: TypePreference;
    security_login: TypePreference;
    security_changed: TypePreference;
    announcement: TypePreference;
  };
  quiet_hours: QuietHours | null;
  /** false: nobody sees what I have read, and I do not see what others have. */
  read_receipts: boolean;
}

export type NotificationType = "chat_message" | "post_approved" | "post_rejected" | "post_hidden" | "post_expiring" | "post_expired" | "b2b_enabled" | "b2b_rejected" | "b2b_suspended" | "subscription_activated" | "subscription_expiring" | "subscription_expired" | "subscription_canceled" | "search_match" | "contact_revealed" | "security_login" | "security_changed" | "announcement";

export interface Plan {
  code: string;
  name: string;
  description: string;
  price: string;
  currency: string;
  interval: "month";
  trial_days: number;
  sort_order: number;
  entitlements: Entitlements;
}

export interface Post {
  id: string;
  author: PublicUser;
  status: "draft" | "pending" | "published" | "rejected" | "closed" | "expired" | "hidden" | "removed";
  /** For the owner alone. */
  moderation: {
    /** `pending` until a moderator has looked, whether or not the post is on the board meanwhile. */
    state: "none" | "pending" | "approved" | "rejected" | "hidden";
    reason: string | null;
  } | null;
  intent: "sell" | "buy";
  title: string;
  body: string | null;
  category_id: string | null;
  part_number: string | null;
  oem_numbers: string[];
  brand: string | null;
  condition: "new" | "used" | "refurbished" | null;
  fitments: Fitment[];
  /** null: on request. */
  price: string | null;
  currency: "UZS" | "USD" | null;
  price_negotiable: boolean;
  unit: string | null;
  quantity: number | null;
  min_order_qty: number | null;
  region: string | null;
  city: string | null;
  images: {
    id: string;
    /** Relative to the address of the server, but absolute where images are kept in a bucket. */
    url: string;
    thumb_url: string;
    width: number;
    height: number;
  }[];
  /** Of the first image. */
  thumb_url: string | null;
  /** Once for a user and day. */
  views_count: number;
  favorites_count: number;
  is_favorite: boolean;
  is_owner: boolean;
  /** My conversation about it, if there is one. */
  my_thread_id: string | null;
  published_at: string | null;
  bumped_at: string | null;
  expires_at: string | null;
  expires_in_days: number;
  created_at: string;
  updated_at: string;
  rev: number;
}

export interface PresenceState {
  user_id: string;
  /** `online`: connected, and active in the last 5 min on any device; `away`: connected, not active; `offline`: not connected for 15 s or more; `hidden`: you share no thread, one blocks the other, or the user is invisible – which of them is not told; `unknown`: cannot be told at the moment, an update follows. */
  status: "online" | "away" | "offline" | "hidden" | "unknown";
  /** While `offline`, if known: until when the user was connected. */
  last_seen_at: string | null;
}

export interface Preview {
  id: string;
  seq: number;
  /** null: the system. */
  sender_id: string | null;
  type: "text" | "system" | "deleted";
  /** Its first 140 code points. */
  text: string | null;
  created_at: string;
}

export interface PublicUser {
  id: string;
  /** The full name, else the company, else `User ` and the last 4 of the id. */
  display_name: string;
  company_name: string | null;
  avatar_url: string | null;
  /** An operator checked the company's tax number. */
  is_verified: boolean;
}

export interface QuietHours {
  /** IANA name: `Asia/Tashkent`. */
  tz: string;
  /** 1 is Monday. The day on which they begin: Friday 22:00–08:00 ends on Saturday. */
  days: number[];
  from: string;
  /** Not above `from`: on the next day. */
  to: string;
}

export interface Region {
  code: string;
  /** In the request's language. */
  name: string;
  children: District[];
}

export interface SavedSearch {
  id: string;
  name: string;
  filters: {
    /** Words or a part number, in any spelling and script. */
    q?: string | undefined;
    intent?: "sell" | "buy" | undefined;
    /** Its id, code or name in any language; takes in what is below it. */
    category?: string | undefined;
    /** By any of its names: Шевроле finds Chevrolet. */
    brand?: string | undefined;
    /** In any spelling: dashes, blanks and look-alike letters make no difference. */
    part_number?: string | undefined;
    /** Of a car that the part fits. */
    make?: string | undefined;
    model?: string | undefined;
    year?: number | undefined;
    condition?: "new" | "used" | "refurbished" | undefined;
    price_min?: number | undefined;
    price_max?: number | undefined;
    /** Needed for the price filters. */
    currency?: "UZS" | "USD" | undefined;
    /** ISO 3166-2:UZ. */
    region?: "UZ-AN" | "UZ-BU" | "UZ-FA" | "UZ-JI" | "UZ-NG" | "UZ-NW" | "UZ-QA" | "UZ-QR" | "UZ-SA" | "UZ-SI" | "UZ-SU" | "UZ-TK" | "UZ-TO" | "UZ-XO" | undefined;
    city?: string | undefined;
    author?: string | undefined;
    has_images?: boolean | undefined;
    /** From 1970 to 9999. */
    created_after?: string | undefined;
  };
  notify: boolean;
  /** Posts that were published since it was last marked as seen. */
  new_count: number;
  created_at: string;
}

export interface SharedThread {
  id: string;
  /** Rises by exactly 1 with every durable change that the participants share. */
  rev: number;
  post: {
    id: string;
    title: string;
    part_number: string | null;
    price: string | null;
    currency: string | null;
    status: string;
    thumb_url: string | null;
  };
  last_seq: number;
  last_message: Preview | null;
  /** Nobody may write any more. */
  locked: boolean;
  participants: ThreadParticipant[];
  created_at: string;
  updated_at: string;
}

export interface SubCategory {
  id: string;
  code: string;
  /** In the request's language. */
  name: string;
}

export interface Subscription {
  id: string;
  plan: {
    code: string;
    name: string;
  };
  status: "pending" | "trialing" | "active" | "past_due" | "expired" | "canceled";
  current_period_start: string | null;
  current_period_end: string | null;
  trial_end: string | null;
  /** While past_due: the rights last until then. */
  grace_until: string | null;
  cancel_at_period_end: boolean;
  next_plan: {
    code: string;
    name: string;
  } | null;
}

export interface Suggestion {
  type: "part" | "brand" | "category";
  /** For the filter `part_number`, `brand` or `category`, in turn. */
  text: string;
  /** Published posts. */
  count: number;
}

export interface Thread {
  id: string;
  /** Rises by exactly 1 with every durable change that the participants share. */
  rev: number;
  post: {
    id: string;
    title: string;
    part_number: string | null;
    price: string | null;
    currency: string | null;
    status: string;
    thumb_url: string | null;
  };
  last_seq: number;
  last_message: Preview | null;
  /** Nobody may write any more. */
  locked: boolean;
  participants: ThreadParticipant[];
  created_at: string;
  updated_at: string;
  me: ThreadMe;
}

export interface ThreadMe {
  /** Rises by 1 with every change of what only this user sees. */
  rev: number;
  side: "buyer" | "seller";
  read_seq: number;
  /** last_seq − read_seq */
  unread: number;
  marked_unread: boolean;
  muted_until: string | null;
  archived: boolean;
}

export interface ThreadParticipant {
  user: PublicUser;
  side: "buyer" | "seller";
  /** null while read receipts are off on either side, or one blocks the other. */
  read_seq: number | null;
  delivered_seq: number;
}

export interface Tokens {
  /** For `Authorization: Bearer` and the handshake of sockets. */
  access: string;
  /** Gives the next pair; each is used once. */
  refresh: string;
  token_type: "Bearer";
  /** Seconds. */
  expires_in: number;
  /** Seconds. */
  refresh_expires_in: number;
  session_id: string;
  /** Kept by the device and sent as `device.token` at its next login. */
  device_token: string;
  is_new_user: boolean;
  has_password: boolean;
  user: User;
}

export interface TypePreference {
  /** false: no notification of this type is written. */
  enabled: boolean;
  /** false: it comes without sound and web push. */
  alert: boolean;
}

export interface Usage {
  period: string;
  /** Where the month begins and ends. */
  timezone: string;
  posts_used: number;
  /** null: unlimited. */
  posts_limit: number | null;
  posts_remaining: number | null;
  resets_at: string;
}

export interface User {
  id: string;
  phone: string;
  full_name: string | null;
  display_name: string;
  locale: "uz" | "uz-Cyrl" | "ru" | "en";
  role: "user" | "superuser" | "moderator" | "billing" | "support" | "auditor";
  is_staff: boolean;
  has_password: boolean;
  avatar_url: string | null;
  created_at: string;
  /** The business profile; null before there is one. */
  b2b: {
    is_enabled: boolean;
    status: "none" | "pending" | "enabled" | "rejected" | "suspended";
    company_name: string | null;
  } | null;
  /** Of chats. */
  unread: {
    threads: number;
    messages: number;
  };
  /** Of notifications. */
  badge: {
    unread: number;
    unseen: number;
  };
}

export interface RestCalls {
  /** Sends a one-time code to a phone; answers alike for known and unknown numbers. */
  requestOtp: { payload: {
      /** +998XXXXXXXXX, 998…, 00998… or 9 digits; spaces, brackets, dots and dashes are ignored. */
      phone: string;
      purpose?: "login" | "reset_password" | "change_phone" | undefined;
      channel?: "auto" | "sms" | "telegram" | undefined;
      captcha_token?: string | undefined;
      /** A known device gets codes while strangers have locked the number. */
      device?: {
        /** `device_token` of an earlier login with this number. */
        token?: string | undefined;
      } | undefined;
    }; result: {
      otp_id: string;
      phone: string;
      channel: "auto" | "sms" | "telegram";
      code_length: number;
      /** Seconds. */
      expires_in: number;
      /** Seconds until another may be asked for. */
      resend_in: number;
      /** The code itself, only with DEV_OTP. */
      dev_code?: string | undefined;
    } };
  /** Checks a code: logs in (an unknown phone registers; with the token of a live session of the same user it renews that), or gives a verification token for another purpose. */
  verifyOtp: { payload: {
      /** +998XXXXXXXXX, 998…, 00998… or 9 digits; spaces, brackets, dots and dashes are ignored. */
      phone: string;
      /** The 6 digits. */
      code: string;
      otp_id?: string | undefined;
      /** Needed where `password_required` was answered. */
      password?: string | undefined;
      device?: {
        device_id?: string | undefined;
        name?: string | undefined;
        platform?: string | undefined;
        /** `device_token` of an earlier login with this number. */
        token?: string | undefined;
      } | undefined;
    }; result: Tokens | {
      verification_token: string;
      verification_expires_in: number;
      purpose: "login" | "reset_password" | "change_phone";
    } };
  /** Sets or resets the password and gives a fresh pair of tokens; by default other sessions end. */
  setPassword: { payload: {
      /** 8 to 128 characters; any are allowed. */
      password: string;
      /** 8 to 128 characters; any are allowed. */
      password_confirm?: string | undefined;
      /** From verify-otp with the purpose `reset_password`. */
      verification_token?: string | undefined;
      /** 8 to 128 characters; any are allowed. */
      current_password?: string | undefined;
      logout_others?: boolean | undefined;
    }; result: Tokens };
  /** Logs in with phone and password; with the token of a live session of the same user it renews that. */
  login: { payload: {
      /** +998XXXXXXXXX, 998…, 00998… or 9 digits; spaces, brackets, dots and dashes are ignored. */
      phone: string;
      /** 8 to 128 characters; any are allowed. */
      password: string;
      device?: {
        device_id?: string | undefined;
        name?: string | undefined;
        platform?: string | undefined;
        /** `device_token` of an earlier login with this number. */
        token?: string | undefined;
      } | undefined;
    }; result: Tokens };
  /** Gives the next pair of tokens; asked again within 30 s it gives the same one. */
  refreshTokens: { payload: {
      refresh: string;
    }; result: {
      /** For `Authorization: Bearer` and the handshake of sockets. */
      access: string;
      /** Gives the next pair; each is used once. */
      refresh: string;
      token_type: "Bearer";
      /** Seconds. */
      expires_in: number;
      /** Seconds. */
      refresh_expires_in: number;
      session_id: string;
    } };
  /** Ends this session, all others, or all. */
  logout: { payload: {
      scope?: "current" | "others" | "all" | undefined;
    }; result: undefined };
  /** Who I am. */
  getMe: { payload: Record<never, never>; result: User };
  /** Changes my name, language or picture. */
  updateMe: { payload: {
      full_name?: string | undefined;
      locale?: "uz" | "uz-Cyrl" | "ru" | "en" | undefined;
      /** My upload with the purpose `avatar`; null takes the picture away. */
      avatar_upload_id?: string | null | undefined;
    }; result: User };
  /** Deletes my account: sessions end now, everything personal is purged 30 days later. */
  deleteMe: { payload: {
      confirm: "DELETE";
    }; result: {
      purge_after: string;
    } };
  /** Gives my account the number that a code with the purpose change_phone was sent to. */
  changePhone: { payload: {
      verification_token: string;
    }; result: User };
  /** Where I am logged in, the latest used first. */
  listSessions: { payload: {
      limit?: number | undefined;
      /** From `next_cursor` of the page before; bound to the user and the filters. */
      cursor?: string | null | undefined;
    }; result: {
      results: {
        id: string;
        current: boolean;
        device_name: string | null;
        platform: string | null;
        ip: string | null;
        user_agent: string | null;
        created_at: string;
        last_seen_at: string;
        expires_at: string;
      }[];
      next_cursor: string | null;
    } & { next: string | null; previous: null } };
  /** Logs one of my devices out. */
  endSession: { payload: {
      session_id: string;
    }; result: undefined };
  /** The plans one can subscribe to. */
  listPlans: { payload: Record<never, never>; result: {
      results: Plan[];
    } };
  /** My subscription, what I used of it, and what keeps me from posting. */
  getBilling: { payload: Record<never, never>; result: {
      subscription: Subscription | null;
      usage: Usage;
      entitlements: Entitlements;
      can_post: boolean;
      blockers: ("b2b_not_enabled" | "subscription_required" | "post_limit_reached")[];
    } };
  /** Asks for a plan: pending until staff activate it; while another one runs, it becomes its next plan. The running plan itself takes a cancellation or another next plan back. */
  requestSubscription: { payload: {
      plan: string;
      provider?: "manual" | undefined;
    }; result: {
      subscription: Subscription;
    } };
  /** Cancels my subscription at the end of its period, or at once; a pending one ends at once. */
  cancelSubscription: { payload: {
      at_period_end?: boolean | undefined;
    }; result: {
      subscription: Subscription;
    } };
  /** Stores an image: re-encoded as WebP, without what the camera wrote into it. */
  uploadImage: { payload: {
      purpose: "post" | "chat" | "avatar";
      /** JPEG, PNG or WebP, at most 8 MB and 40 megapixels. */
      file: Blob;
      name?: string | undefined;
    }; result: {
      id: string;
      kind: "image";
      /** As its owner called it. */
      name: string;
      bytes: number;
      mime: string;
      /** Relative to the address of the server, but absolute where images are kept in a bucket. */
      url: string;
      /** At most 320 pixels wide and high. */
      thumb_url: string;
      width: number;
      height: number;
      purpose: "post" | "chat" | "avatar";
    } };
  /** The categories of parts, as a tree. */
  listCategories: { payload: Record<never, never>; result: {
      results: Category[];
    } };
  /** The known makers of vehicles and parts; `q` finds them by the beginning of any of their names. */
  listBrands: { payload: {
      /** In any script: Шевроле finds Chevrolet. */
      q?: string | undefined;
    }; result: {
      results: Brand[];
    } };
  /** The regions of Uzbekistan with their districts and cities. */
  listRegions: { payload: Record<never, never>; result: {
      results: Region[];
    } };
  /** My business profile. */
  getProfile: { payload: Record<never, never>; result: BusinessProfile };
  /** Writes my business profile; the first time it asks for approval. */
  putProfile: { payload: {
      company_name: string;
      /** Tax number, 9 digits. */
      tin?: string | null | undefined;
      activity?: ("seller" | "buyer" | "service")[] | undefined;
      region?: "UZ-AN" | "UZ-BU" | "UZ-FA" | "UZ-JI" | "UZ-NG" | "UZ-NW" | "UZ-QA" | "UZ-QR" | "UZ-SA" | "UZ-SI" | "UZ-SU" | "UZ-TK" | "UZ-TO" | "UZ-XO" | null | undefined;
      city?: string | null | undefined;
      address?: string | null | undefined;
      about?: string | null | undefined;
      /** My upload with the purpose `avatar`. */
      logo_upload_id?: string | null | undefined;
      /** Nobody is shown my number. */
      hide_phone?: boolean | undefined;
      /** The `ETag` the change is based on; a stale one is 412 `conflict`, `details.current` being the present state. */
      if_match?: string | undefined;
    }; result: BusinessProfile };
  /** The board, newest first; or my own posts. */
  listPosts: { payload: {
      /** Words or a part number, in any spelling and script. */
      q?: string | undefined;
      intent?: "sell" | "buy" | undefined;
      /** Its id, code or name in any language; takes in what is below it. */
      category?: string | undefined;
      /** By any of its names: Шевроле finds Chevrolet. */
      brand?: string | undefined;
      /** In any spelling: dashes, blanks and look-alike letters make no difference. */
      part_number?: string | undefined;
      /** Of a car that the part fits. */
      make?: string | undefined;
      model?: string | undefined;
      year?: number | undefined;
      condition?: "new" | "used" | "refurbished" | undefined;
      price_min?: number | undefined;
      price_max?: number | undefined;
      /** Needed for the price filters. */
      currency?: "UZS" | "USD" | undefined;
      /** ISO 3166-2:UZ. */
      region?: "UZ-AN" | "UZ-BU" | "UZ-FA" | "UZ-JI" | "UZ-NG" | "UZ-NW" | "UZ-QA" | "UZ-QR" | "UZ-SA" | "UZ-SI" | "UZ-SU" | "UZ-TK" | "UZ-TO" | "UZ-XO" | undefined;
      city?: string | undefined;
      author?: string | undefined;
      has_images?: boolean | undefined;
      /** From 1970 to 9999. */
      created_after?: string | undefined;
      mine?: boolean | undefined;
      /** With `mine`. */
      status?: "draft" | "pending" | "published" | "rejected" | "closed" | "expired" | "hidden" | undefined;
      /** Newest first, but with a misspelt `q` the most similar. `-relevance` ranks the newest 300; prices on request come last. */
      ordering?: "-published_at" | "price" | "-price" | "-relevance" | undefined;
      /** Adds the counts to narrow by. */
      facets?: boolean | undefined;
      limit?: number | undefined;
      /** From `next_cursor` of the page before; bound to the user and the filters. */
      cursor?: string | null | undefined;
    }; result: {
      results: Post[];
      next_cursor: string | null;
      facets?: Facets | undefined;
    } & { next: string | null; previous: null } };
  /** What the text may become: part numbers, brands and categories that posts have. */
  suggest: { payload: {
      q: string;
    }; result: {
      results: Suggestion[];
    } };
  /** Publishes a post within the monthly limit of my plan, or keeps it as a draft. */
  createPost: { payload: {
      title: string;
      body?: string | null | undefined;
      intent?: "sell" | "buy" | undefined;
      category_id?: string | null | undefined;
      part_number?: string | null | undefined;
      oem_numbers?: string[] | undefined;
      brand?: string | null | undefined;
      condition?: "new" | "used" | "refurbished" | null | undefined;
      fitments?: Fitment[] | undefined;
      price?: number | string | null | undefined;
      currency?: "UZS" | "USD" | null | undefined;
      price_negotiable?: boolean | undefined;
      unit?: "pcs" | "set" | "kg" | "l" | "m" | null | undefined;
      quantity?: number | null | undefined;
      min_order_qty?: number | null | undefined;
      /** ISO 3166-2:UZ; the profile's if not given. */
      region?: "UZ-AN" | "UZ-BU" | "UZ-FA" | "UZ-JI" | "UZ-NG" | "UZ-NW" | "UZ-QA" | "UZ-QR" | "UZ-SA" | "UZ-SI" | "UZ-SU" | "UZ-TK" | "UZ-TO" | "UZ-XO" | null | undefined;
      city?: string | null | undefined;
      /** My uploads with the purpose `post`, in this order; as many as my plan allows. */
      image_ids?: string[] | undefined;
      /** From publishing or renewing on. */
      expires_in_days?: number | undefined;
      status?: "published" | "draft" | undefined;
    }; result: {
      id: string;
      author: PublicUser;
      status: "draft" | "pending" | "published" | "rejected" | "closed" | "expired" | "hidden" | "removed";
      /** For the owner alone. */
      moderation: {
        /** `pending` until a moderator has looked, whether or not the post is on the board meanwhile. */
        state: "none" | "pending" | "approved" | "rejected" | "hidden";
        reason: string | null;
      } | null;
      intent: "sell" | "buy";
      title: string;
      body: string | null;
      category_id: string | null;
      part_number: string | null;
      oem_numbers: string[];
      brand: string | null;
      condition: "new" | "used" | "refurbished" | null;
      fitments: Fitment[];
      /** null: on request. */
      price: string | null;
      currency: "UZS" | "USD" | null;
      price_negotiable: boolean;
      unit: string | null;
      quantity: number | null;
      min_order_qty: number | null;
      region: string | null;
      city: string | null;
      images: {
        id: string;
        /** Relative to the address of the server, but absolute where images are kept in a bucket. */
        url: string;
        thumb_url: string;
        width: number;
        height: number;
      }[];
      /** Of the first image. */
      thumb_url: string | null;
      /** Once for a user and day. */
      views_count: number;
      favorites_count: number;
      is_favorite: boolean;
      is_owner: boolean;
      /** My conversation about it, if there is one. */
      my_thread_id: string | null;
      published_at: string | null;
      bumped_at: string | null;
      expires_at: string | null;
      expires_in_days: number;
      created_at: string;
      updated_at: string;
      rev: number;
      usage: Usage;
    } };
  /** One post; my look at it counts once a day. */
  getPost: { payload: {
      post_id: string;
    }; result: Post };
  /** Changes some fields of my post; a rejected one is reviewed again. */
  updatePost: { payload: {
      title?: string | undefined;
      body?: string | null | undefined;
      intent?: "sell" | "buy" | undefined;
      category_id?: string | null | undefined;
      part_number?: string | null | undefined;
      oem_numbers?: string[] | undefined;
      brand?: string | null | undefined;
      condition?: "new" | "used" | "refurbished" | null | undefined;
      fitments?: Fitment[] | undefined;
      price?: number | string | null | undefined;
      currency?: "UZS" | "USD" | null | undefined;
      price_negotiable?: boolean | undefined;
      unit?: "pcs" | "set" | "kg" | "l" | "m" | null | undefined;
      quantity?: number | null | undefined;
      min_order_qty?: number | null | undefined;
      /** ISO 3166-2:UZ; the profile's if not given. */
      region?: "UZ-AN" | "UZ-BU" | "UZ-FA" | "UZ-JI" | "UZ-NG" | "UZ-NW" | "UZ-QA" | "UZ-QR" | "UZ-SA" | "UZ-SI" | "UZ-SU" | "UZ-TK" | "UZ-TO" | "UZ-XO" | null | undefined;
      city?: string | null | undefined;
      image_ids?: string[] | undefined;
      expires_in_days?: number | undefined;
      post_id: string;
      /** The `ETag` the change is based on; a stale one is 412 `conflict`, `details.current` being the present state. */
      if_match?: string | undefined;
    }; result: Post };
  /** Writes my post anew; a rejected one is reviewed again. */
  replacePost: { payload: {
      title: string;
      body?: string | null | undefined;
      intent?: "sell" | "buy" | undefined;
      category_id?: string | null | undefined;
      part_number?: string | null | undefined;
      oem_numbers?: string[] | undefined;
      brand?: string | null | undefined;
      condition?: "new" | "used" | "refurbished" | null | undefined;
      fitments?: Fitment[] | undefined;
      price?: number | string | null | undefined;
      currency?: "UZS" | "USD" | null | undefined;
      price_negotiable?: boolean | undefined;
      unit?: "pcs" | "set" | "kg" | "l" | "m" | null | undefined;
      quantity?: number | null | undefined;
      min_order_qty?: number | null | undefined;
      /** ISO 3166-2:UZ; the profile's if not given. */
      region?: "UZ-AN" | "UZ-BU" | "UZ-FA" | "UZ-JI" | "UZ-NG" | "UZ-NW" | "UZ-QA" | "UZ-QR" | "UZ-SA" | "UZ-SI" | "UZ-SU" | "UZ-TK" | "UZ-TO" | "UZ-XO" | null | undefined;
      city?: string | null | undefined;
      /** My uploads with the purpose `post`, in this order; as many as my plan allows. */
      image_ids?: string[] | undefined;
      /** From publishing or renewing on. */
      expires_in_days?: number | undefined;
      post_id: string;
      /** The `ETag` the change is based on; a stale one is 412 `conflict`, `details.current` being the present state. */
      if_match?: string | undefined;
    }; result: Post };
  /** Removes my post; its conversations stay. */
  deletePost: { payload: {
      post_id: string;
      /** The `ETag` the change is based on; a stale one is 412 `conflict`, `details.current` being the present state. */
      if_match?: string | undefined;
    }; result: undefined };
  /** Publishes my draft, or a closed or expired post again; only the first time takes a unit of the month. */
  publishPost: { payload: {
      post_id: string;
    }; result: Post };
  /** Takes my post off the board. */
  closePost: { payload: {
      post_id: string;
      reason?: "sold" | "bought" | "other" | undefined;
    }; result: Post };
  /** Begins the lifetime of my post anew, once in 24 hours; a closed or expired one is on the board again. */
  renewPost: { payload: {
      post_id: string;
    }; result: Post };
  /** Keeps a post among my favourites. */
  addFavorite: { payload: {
      post_id: string;
    }; result: undefined };
  /** Keeps a post no longer. */
  removeFavorite: { payload: {
      post_id: string;
    }; result: undefined };
  /** The posts I keep, the latest kept first. */
  listFavorites: { payload: {
      limit?: number | undefined;
      /** From `next_cursor` of the page before; bound to the user and the filters. */
      cursor?: string | null | undefined;
    }; result: {
      results: Post[];
      next_cursor: string | null;
    } & { next: string | null; previous: null } };
  /** The author's phone number: so many a day as my plan allows, logged, and the author is told. */
  revealContact: { payload: {
      post_id: string;
    }; result: {
      phone: string;
    } };
  /** My saved searches, latest first. */
  listSavedSearches: { payload: {
      limit?: number | undefined;
      /** From `next_cursor` of the page before; bound to the user and the filters. */
      cursor?: string | null | undefined;
    }; result: {
      results: SavedSearch[];
      next_cursor: string | null;
    } & { next: string | null; previous: null } };
  /** Keeps filters of the board: I am told of each new post that fits them. */
  createSavedSearch: { payload: {
      name: string;
      filters: {
        /** Words or a part number, in any spelling and script. */
        q?: string | undefined;
        intent?: "sell" | "buy" | undefined;
        /** Its id, code or name in any language; takes in what is below it. */
        category?: string | undefined;
        /** By any of its names: Шевроле finds Chevrolet. */
        brand?: string | undefined;
        /** In any spelling: dashes, blanks and look-alike letters make no difference. */
        part_number?: string | undefined;
        /** Of a car that the part fits. */
        make?: string | undefined;
        model?: string | undefined;
        year?: number | undefined;
        condition?: "new" | "used" | "refurbished" | undefined;
        price_min?: number | undefined;
        price_max?: number | undefined;
        /** Needed for the price filters. */
        currency?: "UZS" | "USD" | undefined;
        /** ISO 3166-2:UZ. */
        region?: "UZ-AN" | "UZ-BU" | "UZ-FA" | "UZ-JI" | "UZ-NG" | "UZ-NW" | "UZ-QA" | "UZ-QR" | "UZ-SA" | "UZ-SI" | "UZ-SU" | "UZ-TK" | "UZ-TO" | "UZ-XO" | undefined;
        city?: string | undefined;
        author?: string | undefined;
        has_images?: boolean | undefined;
        /** From 1970 to 9999. */
        created_after?: string | undefined;
      };
      notify?: boolean | undefined;
    }; result: SavedSearch };
  /** Changes my saved search; `seen` says that I have looked at what it found. */
  updateSavedSearch: { payload: {
      name?: string | undefined;
      filters?: {
        /** Words or a part number, in any spelling and script. */
        q?: string | undefined;
        intent?: "sell" | "buy" | undefined;
        /** Its id, code or name in any language; takes in what is below it. */
        category?: string | undefined;
        /** By any of its names: Шевроле finds Chevrolet. */
        brand?: string | undefined;
        /** In any spelling: dashes, blanks and look-alike letters make no difference. */
        part_number?: string | undefined;
        /** Of a car that the part fits. */
        make?: string | undefined;
        model?: string | undefined;
        year?: number | undefined;
        condition?: "new" | "used" | "refurbished" | undefined;
        price_min?: number | undefined;
        price_max?: number | undefined;
        /** Needed for the price filters. */
        currency?: "UZS" | "USD" | undefined;
        /** ISO 3166-2:UZ. */
        region?: "UZ-AN" | "UZ-BU" | "UZ-FA" | "UZ-JI" | "UZ-NG" | "UZ-NW" | "UZ-QA" | "UZ-QR" | "UZ-SA" | "UZ-SI" | "UZ-SU" | "UZ-TK" | "UZ-TO" | "UZ-XO" | undefined;
        city?: string | undefined;
        author?: string | undefined;
        has_images?: boolean | undefined;
        /** From 1970 to 9999. */
        created_after?: string | undefined;
      } | undefined;
      notify?: boolean | undefined;
      /** Sets `new_count` to 0; so do other `filters`. */
      seen?: true | undefined;
      search_id: string;
    }; result: SavedSearch };
  /** Forgets my saved search. */
  deleteSavedSearch: { payload: {
      search_id: string;
    }; result: undefined };
  /** Opens the one thread of the caller about a post, or finds it again. */
  openThread: { payload: {
      post_id: string;
      /** Of the first message, where that brings none itself. */
      client_id?: string | undefined;
      /** Sent into an existing thread too. */
      first_message?: {
        /** Any UUID, chosen by the sender; a retry is answered with what was stored first. */
        client_id?: string | undefined;
        /** 1 to 4000 code points; trimmed, NFC; no control characters but line feed and tab. */
        text?: string | undefined;
        /** Ids of own uploads with the purpose `chat`. */
        attachments?: string[] | undefined;
      } | undefined;
      /** Short for `first_message.text`. */
      text?: string | undefined;
    }; result: {
      thread: Thread;
      message?: Message | undefined;
      created: boolean;
    } };
  /** The caller's threads, newest activity first. */
  listThreads: { payload: {
      box?: "inbox" | "archived" | "all" | undefined;
      role?: "buyer" | "seller" | undefined;
      unread_only?: boolean | undefined;
      post_id?: string | undefined;
      limit?: number | undefined;
      /** From `next_cursor` of the page before; bound to the user and the filters. */
      cursor?: string | null | undefined;
    }; result: {
      results: Thread[];
      next_cursor: string | null;
      /** Of all threads that are not archived. */
      unread: {
        threads: number;
        messages: number;
      };
    } & { next: string | null; previous: null } };
  /** One thread of the caller. */
  getThread: { payload: {
      thread_id: string;
    }; result: {
      thread: Thread;
    } };
  /** Says up to where the caller has read. */
  readThread: { payload: {
      thread_id: string;
      /** Up to this message; above the last one it is the last one. */
      seq: number;
    }; result: {
      /** Never below what was read before. */
      read_seq: number;
      unread: number;
    } };
  /** Keeps a thread quiet until a moment, or no longer (null). */
  muteThread: { payload: {
      thread_id: string;
      until: string | null;
    }; result: {
      thread: Thread;
    } };
  /** Puts a thread away, or back. */
  archiveThread: { payload: {
      thread_id: string;
      archived: boolean;
    }; result: {
      thread: Thread;
    } };
  /** Messages of a thread, ascending; without a position the newest; `next` leads to older ones. */
  listMessages: { payload: {
      thread_id: string;
      /** The last ones before this position, without it. At most one of the three. */
      before_seq?: number | undefined;
      /** The first ones after this position, without it. */
      after_seq?: number | undefined;
      /** Those around this position, with it. */
      around_seq?: number | undefined;
      limit?: number | undefined;
      /** From `next_cursor` of the page before; bound to the user and the filters. */
      cursor?: string | null | undefined;
    }; result: {
      results: Message[];
      has_more_before: boolean;
      has_more_after: boolean;
      next_cursor: string | null;
    } & { next: string | null; previous: null } };
  /** Sends a message; the answer says that it is stored. */
  sendMessage: { payload: {
      thread_id: string;
      /** Any UUID, chosen by the sender; a retry is answered with what was stored first. */
      client_id?: string | undefined;
      /** 1 to 4000 code points; trimmed, NFC; no control characters but line feed and tab. */
      text?: string | undefined;
      /** Ids of own uploads with the purpose `chat`. */
      attachments?: string[] | undefined;
      /** A message of the same thread. */
      reply_to?: string | undefined;
    }; result: {
      message: Message;
      duplicate: boolean;
    } };
  /** Reports a post to the moderators; all reports together at most 20 times in 24 hours. */
  reportPost: { payload: {
      post_id: string;
      reason: "spam" | "fraud" | "abuse" | "other";
      /** 1 to 1000 code points; trimmed, NFC; no control characters but line feed and tab. */
      comment?: string | undefined;
      /** Any UUID, chosen by the sender; a retry is answered with what was stored first. */
      client_id?: string | undefined;
    }; result: {
      report_id: string;
    } };
  /** My notifications, latest first; with the first page all of the types asked for count as seen. */
  listNotifications: { payload: {
      unread_only?: boolean | undefined;
      types?: NotificationType[] | undefined;
      limit?: number | undefined;
      /** From `next_cursor` of the page before; bound to the user and the filters. */
      cursor?: string | null | undefined;
    }; result: {
      results: Notification[];
      next_cursor: string | null;
      badge: {
        unread: number;
        unseen: number;
      };
    } & { next: string | null; previous: null } };
  /** Marks notifications as read, and with those of messages their threads; ids of others are not counted. */
  readNotifications: { payload: {
      ids: string[];
    } | {
      id: string;
    } | {
      group_key: string;
    }; result: {
      /** Rows that were unread until now. */
      updated: number;
      badge: {
        unread: number;
        unseen: number;
      };
    } };
  /** Marks all as read that were there at a moment; what arrives meanwhile stays unread. */
  readAllNotifications: { payload: {
      /** Default: now. */
      before?: string | undefined;
    }; result: {
      /** Rows that were unread until now. */
      updated: number;
      badge: {
        unread: number;
        unseen: number;
      };
    } };
  /** What I want to be told, and when. */
  getPreferences: { payload: Record<never, never>; result: NotificationPreferences };
  /** Changes what I want to be told; what is not given stays. `security_*` cannot be switched off. */
  setPreferences: { payload: {
      types?: {
        chat_message?: TypePreference | undefined;
        post_approved?: TypePreference | undefined;
        post_rejected?: TypePreference | undefined;
        post_hidden?: TypePreference | undefined;
        post_expiring?: TypePreference | undefined;
        post_expired?: TypePreference | undefined;
        b2b_enabled?: TypePreference | undefined;
        b2b_rejected?: TypePreference | undefined;
        b2b_suspended?: TypePreference | undefined;
        subscription_activated?: TypePreference | undefined;
        subscription_expiring?: TypePreference | undefined;
        subscription_expired?: TypePreference | undefined;
        subscription_canceled?: TypePreference | undefined;
        search_match?: TypePreference | undefined;
        contact_revealed?: TypePreference | undefined;
        security_login?: TypePreference | undefined;
        security_changed?: TypePreference | undefined;
        announcement?: TypePreference | undefined;
      } | undefined;
      quiet_hours?: QuietHours | null | undefined;
      read_receipts?: boolean | undefined;
    }; result: NotificationPreferences };
  /** Lets this session be told by web push, as the browser gave it; again for the same endpoint replaces it. */
  subscribePush: { payload: {
      /** https, at one of the makers of browsers. */
      endpoint: string;
      keys: {
        p256dh: string;
        auth: string;
      };
    }; result: {
      id: string;
    } };
  /** Ends a web push subscription of mine; of others nothing is told. */
  unsubscribePush: { payload: {
      /** https, at one of the makers of browsers. */
      endpoint: string;
    }; result: undefined };
}

export interface ChatCalls {
  /** Everything that differs between what the client holds and what is stored. */
  'sync:pull': { payload: {
      /** What the client holds, about 400 threads in an event of 32 KiB; one that is not given counts as rev 0. Who holds more compares `thread:list`, and names those that differ with `only`. */
      threads?: {
        thread_id: string;
        rev: number;
        me_rev?: number | undefined;
      }[] | undefined;
      /** Just the given threads. */
      only?: boolean | undefined;
      /** Threads. */
      limit?: number | undefined;
      /** From `next_cursor` of the page before; bound to the user and the filters. */
      cursor?: string | null | undefined;
    }; result: {
      threads: {
        thread: Thread;
        /** Changed since the given rev, by seq. */
        messages: Message[];
        /** Too much changed: these are the newest messages, drop the older copy. */
        reset: boolean;
      }[];
      /** Given ids that are not the caller's. */
      gone: string[];
      has_more: boolean;
      next_cursor: string | null;
      /** Of all threads that are not archived. */
      unread: {
        threads: number;
        messages: number;
      };
    } };
  /** Opens the one thread of the caller about a post, or finds it again. */
  'thread:open': { payload: {
      post_id: string;
      /** Of the first message, where that brings none itself. */
      client_id?: string | undefined;
      /** Sent into an existing thread too. */
      first_message?: {
        /** Any UUID, chosen by the sender; a retry is answered with what was stored first. */
        client_id?: string | undefined;
        /** 1 to 4000 code points; trimmed, NFC; no control characters but line feed and tab. */
        text?: string | undefined;
        /** Ids of own uploads with the purpose `chat`. */
        attachments?: string[] | undefined;
      } | undefined;
      /** Short for `first_message.text`. */
      text?: string | undefined;
    }; result: {
      thread: Thread;
      message?: Message | undefined;
      created: boolean;
    } };
  /** The caller's threads, newest activity first. */
  'thread:list': { payload: {
      box?: "inbox" | "archived" | "all" | undefined;
      role?: "buyer" | "seller" | undefined;
      unread_only?: boolean | undefined;
      post_id?: string | undefined;
      limit?: number | undefined;
      /** From `next_cursor` of the page before; bound to the user and the filters. */
      cursor?: string | null | undefined;
    }; result: {
      results: Thread[];
      next_cursor: string | null;
      /** Of all threads that are not archived. */
      unread: {
        threads: number;
        messages: number;
      };
    } };
  /** One thread of the caller. */
  'thread:get': { payload: {
      thread_id: string;
    }; result: {
      thread: Thread;
    } };
  /** Says up to where the caller has read. */
  'thread:read': { payload: {
      thread_id: string;
      /** Up to this message; above the last one it is the last one. */
      seq: number;
    }; result: {
      /** Never below what was read before. */
      read_seq: number;
      unread: number;
    } };
  /** Says up to where the caller's device has stored messages. */
  'thread:delivered': { payload: {
      items: {
        thread_id: string;
        seq: number;
      }[];
    }; result: Record<never, never> };
  /** Marks a thread as unread, for the caller alone. */
  'thread:mark-unread': { payload: {
      thread_id: string;
    }; result: {
      thread: Thread;
    } };
  /** Keeps a thread quiet until a moment, or no longer (null). */
  'thread:mute': { payload: {
      thread_id: string;
      until: string | null;
    }; result: {
      thread: Thread;
    } };
  /** Puts a thread away, or back. */
  'thread:archive': { payload: {
      thread_id: string;
      archived: boolean;
    }; result: {
      thread: Thread;
    } };
  /** This device looks at a thread (for 60 s), or at none. */
  'thread:focus': { payload: {
      thread_id: string | null;
    }; result: Record<never, never> };
  /** The caller is writing; told to the others at most once in 3 s, and for 7 s. */
  'typing:start': { payload: {
      thread_id: string;
    }; result: Record<never, never> };
  /** The caller stopped writing. */
  'typing:stop': { payload: {
      thread_id: string;
    }; result: Record<never, never> };
  /** Messages of a thread, ascending; without a position the newest. */
  'thread:history': { payload: {
      thread_id: string;
      /** The last ones before this position, without it. At most one of the three. */
      before_seq?: number | undefined;
      /** The first ones after this position, without it. */
      after_seq?: number | undefined;
      /** Those around this position, with it. */
      around_seq?: number | undefined;
      limit?: number | undefined;
    }; result: {
      messages: Message[];
      has_more_before: boolean;
      has_more_after: boolean;
    } };
  /** Sends a message; the answer says that it is stored. */
  'message:send': { payload: {
      thread_id: string;
      /** Any UUID, chosen by the sender; a retry is answered with what was stored first. */
      client_id: string;
      /** 1 to 4000 code points; trimmed, NFC; no control characters but line feed and tab. */
      text?: string | undefined;
      /** Ids of own uploads with the purpose `chat`. */
      attachments?: string[] | undefined;
      /** A message of the same thread. */
      reply_to?: string | undefined;
    }; result: {
      message: Message;
      duplicate: boolean;
    } };
  /** Changes the text of an own message, within 15 minutes. */
  'message:edit': { payload: {
      thread_id: string;
      message_id: string;
      /** 1 to 4000 code points; trimmed, NFC; no control characters but line feed and tab. */
      text: string;
      /** The `rev` of the message that is changed; another one is `conflict`. */
      expected_rev?: number | undefined;
    }; result: {
      message: Message;
    } };
  /** Leaves a tombstone of an own message for all, within 24 hours. */
  'message:delete': { payload: {
      thread_id: string;
      message_id: string;
    }; result: {
      message: Message;
    } };
  /** Adds or removes a reaction. */
  'message:react': { payload: {
      thread_id: string;
      message_id: string;
      /** One emoji. */
      emoji: string;
      op: "add" | "remove";
    }; result: {
      message: Message;
    } };
  /** Messages of the caller's threads, by text or part number, newest first. */
  'message:search': { payload: {
      /** 2 to 100 code points; trimmed, NFC. */
      q: string;
      thread_id?: string | undefined;
      limit?: number | undefined;
      /** From `next_cursor` of the page before; bound to the user and the filters. */
      cursor?: string | null | undefined;
    }; result: {
      results: {
        message: Message;
        snippet: string;
      }[];
      next_cursor: string | null;
    } };
  /** Nobody of the two can write to the other any more; both keep the history. */
  'user:block': { payload: {
      user_id: string;
    }; result: {
      user_id: string;
      blocked: boolean;
    } };
  /** Takes back the caller's own block. */
  'user:unblock': { payload: {
      user_id: string;
    }; result: {
      user_id: string;
      blocked: boolean;
    } };
  /** Reports something to the moderators, who get a copy of it as it is now; at most 20 times in 24 hours. */
  'report:create': { payload: {
      /** Any UUID, chosen by the sender; a retry is answered with what was stored first. */
      client_id: string;
      target: {
        type: "message" | "thread" | "user" | "post";
        id: string;
      };
      reason: "spam" | "fraud" | "abuse" | "other";
      /** 1 to 1000 code points; trimmed, NFC; no control characters but line feed and tab. */
      comment?: string | undefined;
    }; result: {
      report_id: string;
    } };
  /** A newer access token of the same session: it counts for all namespaces of the connection. */
  'auth:renew': { payload: {
      /** A newer access token of the same session. */
      token: string;
    }; result: {
      token_expires_at: string;
    } };
}

export interface ChatEvents {
  /** A thread with you was opened. */
  'thread:created': {
      thread_id: string;
      rev: number;
      at: string;
      thread: SharedThread;
    };
  /** Post, lock or receipts of it changed. */
  'thread:updated': {
      thread_id: string;
      rev: number;
      at: string;
      thread: SharedThread;
    };
  /** A message; again after a retry of its sender. */
  'message:created': {
      thread_id: string;
      rev: number;
      at: string;
      message: Message;
    };
  /** The sender changed the text. */
  'message:edited': {
      thread_id: string;
      rev: number;
      at: string;
      message: Message;
    };
  /** Only a tombstone is left. */
  'message:deleted': {
      thread_id: string;
      rev: number;
      at: string;
      message: Message;
    };
  /** Its reactions changed. */
  'message:reacted': {
      thread_id: string;
      rev: number;
      at: string;
      message: Message;
    };
  /** Up to where a participant has read or received. */
  'receipt:updated': {
      thread_id: string;
      rev: number;
      at: string;
      user_id: string;
      read_seq?: number | undefined;
      delivered_seq?: number | undefined;
    };
  /** You are no participant any more. */
  'access:revoked': {
      thread_id: string;
      rev: number;
      at: string;
      reason: string;
    };
  /** Your own state of it. */
  'me:updated': {
      thread_id: string;
      me: ThreadMe;
      at: string;
    };
  /** The other side writes, or stopped. */
  'typing:updated': {
      thread_id: string;
      user_id: string;
      state: "start" | "stop";
      /** Without a further start it has stopped after so long. */
      expires_in_ms: number;
    };
  /** Revisions as they are stored: what is behind them should be pulled. */
  'sync:head': {
      /** [thread_id, rev] */
      threads: ([string, number])[];
    };
}

export interface PresenceCalls {
  /** Whom this connection watches, as a complete list: it replaces the one before. Sent after every connect. */
  'presence:subscribe': { payload: {
      /** Everybody to be watched; an empty list ends it. */
      user_ids: string[];
    }; result: {
      /** One for each user that was asked for, in that order. */
      states: PresenceState[];
    } };
  /** How it is at the moment, without watching. */
  'presence:get': { payload: {
      user_ids: string[];
    }; result: {
      /** One for each user that was asked for, in that order. */
      states: PresenceState[];
    } };
  /** Whether somebody uses this device: on every change, and every 30 s. */
  'presence:ping': { payload: {
      active: boolean;
    }; result: Record<never, never> };
  /** On all devices and until it is changed: `invisible` is `hidden` for everybody. */
  'presence:set': { payload: {
      mode: "auto" | "invisible";
    }; result: {
      mode: "auto" | "invisible";
    } };
  /** A newer access token of the same session: it counts for all namespaces of the connection. */
  'auth:renew': { payload: {
      /** A newer access token of the same session. */
      token: string;
    }; result: {
      token_expires_at: string;
    } };
}

export interface PresenceEvents {
  /** What has changed of those you watch; at most once a second. */
  'presence:updated': {
      states: PresenceState[];
    };
}

export interface NotificationsCalls {
  /** My notifications, latest first; with the first page all of the types asked for count as seen. */
  'notification:list': { payload: {
      unread_only?: boolean | undefined;
      types?: NotificationType[] | undefined;
      limit?: number | undefined;
      /** From `next_cursor` of the page before; bound to the user and the filters. */
      cursor?: string | null | undefined;
    }; result: {
      results: Notification[];
      next_cursor: string | null;
      badge: {
        unread: number;
        unseen: number;
      };
    } };
  /** Marks notifications as read, and with those of messages their threads; ids of others are not counted. */
  'notification:read': { payload: {
      ids: string[];
    } | {
      id: string;
    } | {
      group_key: string;
    }; result: {
      /** Rows that were unread until now. */
      updated: number;
      badge: {
        unread: number;
        unseen: number;
      };
    } };
  /** Marks all as read that were there at a moment; what arrives meanwhile stays unread. */
  'notification:read-all': { payload: {
      /** Default: now. */
      before?: string | undefined;
    }; result: {
      /** Rows that were unread until now. */
      updated: number;
      badge: {
        unread: number;
        unseen: number;
      };
    } };
  /** What I want to be told, and when. */
  'preferences:get': { payload: Record<never, never>; result: NotificationPreferences };
  /** Changes what I want to be told; what is not given stays. `security_*` cannot be switched off. */
  'preferences:set': { payload: {
      types?: {
        chat_message?: TypePreference | undefined;
        post_approved?: TypePreference | undefined;
        post_rejected?: TypePreference | undefined;
        post_hidden?: TypePreference | undefined;
        post_expiring?: TypePreference | undefined;
        post_expired?: TypePreference | undefined;
        b2b_enabled?: TypePreference | undefined;
        b2b_rejected?: TypePreference | undefined;
        b2b_suspended?: TypePreference | undefined;
        subscription_activated?: TypePreference | undefined;
        subscription_expiring?: TypePreference | undefined;
        subscription_expired?: TypePreference | undefined;
        subscription_canceled?: TypePreference | undefined;
        search_match?: TypePreference | undefined;
        contact_revealed?: TypePreference | undefined;
        security_login?: TypePreference | undefined;
        security_changed?: TypePreference | undefined;
        announcement?: TypePreference | undefined;
      } | undefined;
      quiet_hours?: QuietHours | null | undefined;
      read_receipts?: boolean | undefined;
    }; result: NotificationPreferences };
  /** A newer access token of the same session: it counts for all namespaces of the connection. */
  'auth:renew': { payload: {
      /** A newer access token of the same session. */
      token: string;
    }; result: {
      token_expires_at: string;
    } };
}

export interface NotificationsEvents {
  /** A new row. */
  'notification:created': {
      notification: Notification;
      /** Absolute: replaces what the client shows. */
      badge: {
        unread: number;
        unseen: number;
      };
      /** false: show it without sound (read already, muted, looked at on a device, quiet hours, or switched off for its type). */
      alert: boolean;
    };
  /** A row has changed: one more of its group, read, or another text. */
  'notification:updated': {
      notification: Notification;
      /** Absolute: replaces what the client shows. */
      badge: {
        unread: number;
        unseen: number;
      };
      /** false: show it without sound (read already, muted, looked at on a device, quiet hours, or switched off for its type). */
      alert: boolean;
    };
  /** A row is gone: what it told of does not exist any more. */
  'notification:removed': {
      notification: Notification;
      /** Absolute: replaces what the client shows. */
      badge: {
        unread: number;
        unseen: number;
      };
      /** false: show it without sound (read already, muted, looked at on a device, quiet hours, or switched off for its type). */
      alert: boolean;
    };
  /** Only the numbers have changed. */
  'badge:updated': {
      badge: {
        unread: number;
        unseen: number;
      };
    };
  /** To staff: how much waits for somebody has changed. */
  'queues:updated': {
      queues: {
        b2b_profiles: number;
        subscriptions: number;
        posts: number;
        reports: number;
      };
      at: string;
    };
}

export interface SessionEvents {
  /** The first event of every namespace: who you are here and which limits hold. */
  'session:ready': {
      user_id: string;
      session_id: string;
      connection_id: string;
      server_time: string;
      protocol: number;
      token_expires_at: string;
      limits: {
        event_bytes: number;
        text_length: number;
        connections: number;
        send: {
          per_s: number;
          burst: number;
          per_min: number;
        };
      };
      degraded: ("cross_node" | "presence")[];
    };
  /** The access token expires soon: refresh it and send auth:renew. */
  'session:expiring': {
      expires_at: string;
      in_ms: number;
    };
  /** The session has ended; the connection is cut and will not be let in again with this token. */
  'session:revoked': {
      reason: "logout" | "logout_all" | "password_changed" | "blocked" | "token_expired" | "admin" | "reused";
    };
  /** Far too much was sent for 30 s; the connection is cut and may be made again after this time. */
  'limits:exceeded': {
      retry_after_ms: number;
    };
  /** This instance stops; the connection is closed soon and should be made again within the given window. */
  'server:draining': {
      reconnect: {
        min_delay_ms: number;
        max_delay_ms: number;
      };
    };
}

export type ErrorCode =
  | 'bad_json'
  | 'validation_failed'
  | 'duplicate_parameter'
  | 'invalid_cursor'
  | 'invalid_host'
  | 'idempotency_key_required'
  | 'invalid_phone'
  | 'phone_not_supported'
  | 'otp_invalid'
  | 'weak_password'
  | 'password_mismatch'
  | 'own_post'
  | 'unknown_event'
  | 'protocol_unsupported'
  | 'namespace_unknown'
  | 'auth_required'
  | 'token_invalid'
  | 'token_expired'
  | 'session_revoked'
  | 'session_expired'
  | 'refresh_invalid'
  | 'refresh_reused'
  | 'verification_invalid'
  | 'invalid_credentials'
  | 'not_authenticated'
  | 'permission_denied'
  | 'account_blocked'
  | 'reauth_required'
  | 'password_required'
  | 'current_password_invalid'
  | 'captcha_required'
  | 'b2b_not_enabled'
  | 'subscription_required'
  | 'post_limit_reached'
  | 'saved_search_limit_reached'
  | 'upload_quota_exceeded'
  | 'contact_hidden'
  | 'recipient_unavailable'
  | 'origin_forbidden'
  | 'identity_mismatch'
  | 'not_found'
  | 'method_not_allowed'
  | 'not_acceptable'
  | 'conflict'
  | 'invalid_state'
  | 'idempotency_in_progress'
  | 'phone_taken'
  | 'already_subscribed'
  | 'duplicate_post'
  | 'already_reported'
  | 'thread_locked'
  | 'post_unavailable'
  | 'attachment_not_ready'
  | 'edit_window_closed'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'unsupported_image'
  | 'idempotency_conflict'
  | 'content_rejected'
  | 'rate_limited'
  | 'otp_cooldown'
  | 'otp_attempts_exceeded'
  | 'otp_locked'
  | 'login_locked'
  | 'reveal_limit_reached'
  | 'too_many_connections'
  | 'internal'
  | 'unavailable'
  | 'otp_unavailable'
  | 'server_busy'
  | 'server_draining';

/** Where each REST call goes, and what of its payload travels elsewhere than in the body. */
export const routes = {
  requestOtp: { path: 'POST /api/auth/request-otp/' },
  verifyOtp: { path: 'POST /api/auth/verify-otp/' },
  setPassword: { path: 'POST /api/auth/set-password/' },
  login: { path: 'POST /api/auth/login/' },
  refreshTokens: { path: 'POST /api/auth/token/refresh/' },
  logout: { path: 'POST /api/auth/logout/', query: ["scope"] },
  getMe: { path: 'GET /api/auth/me/' },
  updateMe: { path: 'PATCH /api/auth/me/' },
  deleteMe: { path: 'DELETE /api/auth/me/' },
  changePhone: { path: 'POST /api/auth/change-phone/' },
  listSessions: { path: 'GET /api/auth/sessions/' },
  endSession: { path: 'DELETE /api/auth/sessions/{session_id}/' },
  listPlans: { path: 'GET /api/billing/plans/' },
  getBilling: { path: 'GET /api/billing/me/' },
  requestSubscription: { path: 'POST /api/billing/subscriptions/', needsKey: true },
  cancelSubscription: { path: 'POST /api/billing/cancel/' },
  uploadImage: { path: 'POST /api/uploads/', isForm: true },
  listCategories: { path: 'GET /api/b2b/categories/' },
  listBrands: { path: 'GET /api/b2b/brands/' },
  listRegions: { path: 'GET /api/b2b/regions/' },
  getProfile: { path: 'GET /api/b2b/profile/' },
  putProfile: { path: 'PUT /api/b2b/profile/', headers: {"if_match":"If-Match"} },
  listPosts: { path: 'GET /api/b2b/posts/' },
  suggest: { path: 'GET /api/b2b/suggest/' },
  createPost: { path: 'POST /api/b2b/posts/' },
  getPost: { path: 'GET /api/b2b/posts/{post_id}/' },
  updatePost: { path: 'PATCH /api/b2b/posts/{post_id}/', headers: {"if_match":"If-Match"} },
  replacePost: { path: 'PUT /api/b2b/posts/{post_id}/', headers: {"if_match":"If-Match"} },
  deletePost: { path: 'DELETE /api/b2b/posts/{post_id}/', headers: {"if_match":"If-Match"} },
  publishPost: { path: 'POST /api/b2b/posts/{post_id}/publish/' },
  closePost: { path: 'POST /api/b2b/posts/{post_id}/close/' },
  renewPost: { path: 'POST /api/b2b/posts/{post_id}/renew/' },
  addFavorite: { path: 'POST /api/b2b/posts/{post_id}/favorite/' },
  removeFavorite: { path: 'DELETE /api/b2b/posts/{post_id}/favorite/' },
  listFavorites: { path: 'GET /api/b2b/favorites/' },
  revealContact: { path: 'POST /api/b2b/posts/{post_id}/reveal-contact/' },
  listSavedSearches: { path: 'GET /api/b2b/saved-searches/' },
  createSavedSearch: { path: 'POST /api/b2b/saved-searches/' },
  updateSavedSearch: { path: 'PATCH /api/b2b/saved-searches/{search_id}/' },
  deleteSavedSearch: { path: 'DELETE /api/b2b/saved-searches/{search_id}/' },
  openThread: { path: 'POST /api/chat/start/' },
  listThreads: { path: 'GET /api/chat/threads/' },
  getThread: { path: 'GET /api/chat/threads/{thread_id}/' },
  readThread: { path: 'POST /api/chat/threads/{thread_id}/read/' },
  muteThread: { path: 'POST /api/chat/threads/{thread_id}/mute/' },
  archiveThread: { path: 'POST /api/chat/threads/{thread_id}/archive/' },
  listMessages: { path: 'GET /api/chat/threads/{thread_id}/messages/' },
  sendMessage: { path: 'POST /api/chat/send/' },
  reportPost: { path: 'POST /api/b2b/posts/{post_id}/report/' },
  listNotifications: { path: 'GET /api/notifications/' },
  readNotifications: { path: 'POST /api/notifications/read/' },
  readAllNotifications: { path: 'POST /api/notifications/read-all/' },
  getPreferences: { path: 'GET /api/notifications/preferences/' },
  setPreferences: { path: 'PUT /api/notifications/preferences/' },
  subscribePush: { path: 'POST /api/notifications/push-subscriptions/' },
  unsubscribePush: { path: 'DELETE /api/notifications/push-subscriptions/' },
} as const;
